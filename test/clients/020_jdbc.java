import java.sql.*;
import java.util.*;

/** PostgreSQL's JDBC driver: what it says about a view, prepared statements, and a refresh with and without autocommit. */
class jdbc {
	static int tests = 0, failed = 0;

	static void is(Object got, Object expected, String words) {
		tests++;
		if (Objects.equals(String.valueOf(got), String.valueOf(expected))) {
			System.out.println("ok " + tests + " - " + words);
		} else {
			System.out.println("not ok " + tests + " - " + words + "\n# got: " + got + "\n# expected: " + expected);
			failed++;
		}
	}

	static Connection connect(String user) throws SQLException {
		return DriverManager.getConnection("jdbc:postgresql://127.0.0.1:" + System.getenv("PGPORT") + "/clients", user, System.getenv("PGPASSWORD"));
	}

	public static void main(String[] arguments) throws Exception {
		try (Connection reader = connect("dashboard")) {
			DatabaseMetaData metadata = reader.getMetaData();
			List<String> views = new ArrayList<>();
			try (ResultSet rows = metadata.getTables(null, "vpn", "%user%", new String[] {"VIEW"})) {
				while (rows.next()) views.add(rows.getString("TABLE_NAME"));
			}
			is(views.containsAll(List.of("daily_user_counts", "online_users")), true, "getTables lists the views");
			Map<String, Integer> types = new TreeMap<>();
			try (ResultSet rows = metadata.getColumns(null, "vpn", "daily_user_counts", null)) {
				while (rows.next()) types.put(rows.getString("COLUMN_NAME"), rows.getInt("DATA_TYPE"));
			}
			is(types.get("day"), Types.DATE, "day is a DATE");
			is(types.get("daily_users"), Types.INTEGER, "daily_users is an INTEGER");
			is(types.get("concurrent_hosts_at"), Types.TIMESTAMP, "concurrent_hosts_at is a TIMESTAMP, as this driver calls timestamptz");
			is(types.get("complete"), Types.BIT, "complete is a BIT, as this driver calls boolean");

			// From the sixth execution on the plan is prepared on the server, later it is a generic one.
			StringBuilder found = new StringBuilder();
			try (PreparedStatement statement = reader.prepareStatement("SELECT daily_users, total_users FROM vpn.daily_user_counts WHERE day = ?")) {
				for (int turn = 0; turn < 14; turn++) {
					statement.setObject(1, java.time.LocalDate.of(2026, 3, 1 + turn % 7));
					try (ResultSet rows = statement.executeQuery()) {
						rows.next();
						found.append(rows.getInt(1)).append('/').append(rows.getInt(2)).append(' ');
					}
				}
			}
			String week = "1/1 2/2 0/2 1/3 2/4 0/4 0/4 ";
			is(found, week + week, "a prepared statement, each day of a week, twice");
			try (PreparedStatement statement = reader.prepareStatement("SELECT online_count, hosts FROM vpn.online_users WHERE user_name = ?")) {
				statement.setString(1, "alice");
				try (ResultSet rows = statement.executeQuery()) {
					rows.next();
					is(rows.getObject(1) + " " + rows.getObject(2) + " " + rows.getObject(1).getClass().getSimpleName(), "2 2 Integer", "alice is online twice");
				}
			}
			try (Statement statement = reader.createStatement()) {
				statement.executeQuery("SELECT * FROM vpn.sessions");
				is("rows", "an error", "the reader reads no other view");
			} catch (SQLException error) {
				is(error.getSQLState(), "42501", "the reader reads no other view");
			}
		}
		try (Connection owner = connect("postgres"); Statement statement = owner.createStatement()) {
			owner.setAutoCommit(false);
			try {
				statement.execute("CALL headcount.refresh('vpn')");
				is("no error", "an error", "refresh with autocommit off is refused");
			} catch (SQLException error) {
				is(error.getSQLState(), "2D000", "refresh with autocommit off is refused");
				is(error.getMessage().contains("autocommit"), true, "and the error says what to switch on: " + error.getMessage().replace('\n', ' '));
			}
			owner.rollback();
			owner.setAutoCommit(true);
			statement.execute("CALL headcount.refresh('vpn')");
			is("done", "done", "with autocommit on it runs");
		}
		System.out.println("1.." + tests);
		System.exit(failed == 0 ? 0 : 1);
	}
}
