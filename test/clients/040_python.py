"""psycopg2, SQLAlchemy and pandas, as Debian has them."""

import datetime
import os
import sys

import pandas
import psycopg2
import sqlalchemy

tests = failed = 0


def check(got, expected, words):
    global tests, failed
    tests += 1
    if got == expected:
        print(f"ok {tests} - {words}")
    else:
        failed += 1
        print(f"not ok {tests} - {words}\n# got: {got!r}\n# expected: {expected!r}")


where = dict(host="127.0.0.1", port=os.environ["PGPORT"], dbname="clients", password=os.environ["PGPASSWORD"])
with psycopg2.connect(user="dashboard", **where) as connection, connection.cursor() as cursor:
    cursor.execute("SELECT day, daily_users, total_users, complete FROM vpn.daily_user_counts WHERE day >= %s ORDER BY day DESC LIMIT 1",
                   (datetime.date(2026, 3, 5),))
    check(cursor.fetchone(), (datetime.date(2026, 3, 10), 2, 4, False), "psycopg2: a day is a date, numbers are int, complete is a bool")
    cursor.execute("SELECT user_name, online_count FROM vpn.online_users WHERE user_name = ANY(%s)", (["alice", "bob"],))
    check(cursor.fetchall(), [("alice", 2)], "psycopg2: a list of names")

owner = psycopg2.connect(user="postgres", **where)
try:
    with owner.cursor() as cursor:
        cursor.execute("CALL headcount.refresh('vpn')")
    check("no error", "an error", "psycopg2: refresh in a transaction is refused")
except psycopg2.Error as error:
    check((error.pgcode, "autocommit" in str(error)), ("2D000", True), "psycopg2: refresh in a transaction is refused, with autocommit in the hint")
owner.rollback()
owner.autocommit = True
with owner.cursor() as cursor:
    cursor.execute("CALL headcount.refresh('vpn')")
check(owner.notices, [], "psycopg2: refresh with autocommit")
owner.close()

engine = sqlalchemy.create_engine(sqlalchemy.engine.URL.create("postgresql+psycopg2", username="dashboard", password=where["password"],
                                                              host=where["host"], port=int(where["port"]), database="clients"))
inspector = sqlalchemy.inspect(engine)
check({"daily_user_counts", "online_users"} <= set(inspector.get_view_names("vpn")), True, "SQLAlchemy: the views are found")
days = sqlalchemy.Table("daily_user_counts", sqlalchemy.MetaData(), schema="vpn", autoload_with=engine)
check({name: str(days.c[name].type) for name in ("day", "daily_users", "complete")},
      {"day": "DATE", "daily_users": "INTEGER", "complete": "BOOLEAN"}, "SQLAlchemy: columns and types are reflected")
with engine.connect() as connection:
    rows = connection.execute(sqlalchemy.select(days.c.day, days.c.denial_users, days.c.denials).where(days.c.denials > 0)).all()
check([tuple(row) for row in rows], [(datetime.date(2026, 3, 5), 2, 2)], "SQLAlchemy: a condition on a reflected view")

with engine.connect() as connection:
    frame = pandas.read_sql(sqlalchemy.text("SELECT * FROM vpn.daily_user_counts ORDER BY day"), connection, index_col="day", parse_dates=["day"])
check(len(frame), 10, "pandas: a row for each day, idle days included")
check(str(frame["daily_users"].dtype), "int64", "pandas: whole numbers")
check(frame["daily_users"].resample("W").max().tolist(), [1, 2, 2], "pandas: weeks of them")
check(int(frame.loc["2026-03-10", "concurrent_hosts"]), 3, "pandas: hosts of a day")

print(f"1..{tests}")
sys.exit(1 if failed else 0)
