"""Measures two clustered keys for one shard of a payment history. Needs PyMySQL and rows.tsv, made by fill.py.

usage: measure.py SOCKET fill|warm|cold|explain
The server must be a private one, with performance_schema=ON and its statement instruments and history consumers on:
times are the server's own, so that Python's share is left out. `cold` wants a server that has just started with a
small buffer pool and does not load an old one.
"""
import pathlib, random, statistics, sys, time
import pymysql

TEMPLATE = (pathlib.Path(__file__).parents[3] / "migrations/history/payment_history_shard.sql").read_text()
B = "PRIMARY KEY (user_id, created_at, payment_id),\n    UNIQUE KEY by_payment (payment_id, created_at)"
A = "PRIMARY KEY (payment_id, created_at),\n    KEY by_user (user_id, created_at, payment_id)"
INDEX = {"a": {"user": "by_user", "id": "PRIMARY"}, "b": {"user": "PRIMARY", "id": "by_payment"}}
MONTHS = [f"{2025 + (5 + i) // 12}-{(5 + i) % 12 + 1:02}-01" for i in range(22)]  # June 2025 on, four ahead
ALL = ("1970-01-01", "9999-12-31")
BATCH_ROWS = 500


def schema(variant):
    parts = ",\n".join(f"PARTITION p{m[:4]}{m[5:7]} VALUES LESS THAN ('{n}')" for m, n in zip(MONTHS, MONTHS[1:]))
    text = "\n".join(line for line in TEMPLATE.splitlines() if not line.startswith("--"))
    assert B in text
    return text.replace(B, A if variant == "a" else B).replace("{table}", variant).replace("{partitions}", parts)


def select(variant, index, condition):
    index = INDEX[variant].get(index, index)
    limit = "" if "/* all */" in condition else "LIMIT 51"
    return (f"SELECT * FROM {variant} FORCE INDEX ({index}) WHERE created_at >= '{{}}' AND created_at < '{{}}' "
            f"AND {condition} ORDER BY created_at DESC, payment_id DESC {limit}")


def questions(rows):
    """Each question with a way to draw its parameters: (name, index, condition, months, draws)."""
    pick = lambda: random.choice(rows)
    month = lambda at: (MONTHS[[m > at for m in MONTHS].index(True) - 1], MONTHS[[m > at for m in MONTHS].index(True)])
    some_month = lambda: (lambda i: (MONTHS[i], MONTHS[i + 1]))(random.randrange(0, 18))
    def of_row(condition):
        def draw():
            row = pick()
            return condition.format(*row), month(row[13])
        return draw
    return [
        ("one user's newest 50, user of a payment", "user", lambda: (f"user_id = {pick()[1]}", ALL)),
        ("the same, user with 50,000 payments", "user", lambda: ("user_id = 7", ALL)),
        ("the same user, a page deep in the walk", "user", lambda: (lambda r: (
            f"user_id = 7 AND created_at <= '{r[13]}' AND (created_at, payment_id) < ('{r[13]}', {r[0]})", ALL))(pick())),
        ("the same user's newest 50 in three months", "user", lambda: (lambda i: (
            "user_id = 7", (MONTHS[i], MONTHS[i + 3])))(random.randrange(0, 16))),
        ("all of that user's payments of a month", "user", lambda: ("user_id = 7 /* all */", some_month())),
        ("by payment id, in its month", "id", of_row("payment_id = {0}")),
        ("by order, all months", "by_order", lambda: (f"order_id = '{pick()[2]}'", ALL)),
        ("newest 50 failures of a month", "by_status", lambda: ("status = 'FAILED'", some_month())),
        ("newest 50 of all users, in a month", "by_time", of_row("created_at <= '{13}'")),
    ]


def server_time(cursor, sql):
    """Microseconds that the server spent on a statement."""
    cursor.execute(sql)
    cursor.fetchall()
    cursor.execute("SELECT TIMER_WAIT / 1000000 FROM performance_schema.events_statements_history WHERE THREAD_ID = "
                   "(SELECT THREAD_ID FROM performance_schema.threads WHERE PROCESSLIST_ID = CONNECTION_ID()) "
                   "AND SQL_TEXT LIKE 'SELECT * FROM%' ORDER BY EVENT_ID DESC LIMIT 1")
    return float(cursor.fetchone()[0])


def pages_read(cursor):
    cursor.execute("SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_reads'")
    return int(cursor.fetchone()[1])


def fill(connection):
    lines = open("rows.tsv").read().splitlines()
    value = lambda v: "NULL" if v == "\\N" else "'" + v + "'"
    tuples = ["(" + ",".join(map(value, line.split("\t"))) + ")" for line in lines]
    batches = [",".join(tuples[i:i + BATCH_ROWS]) for i in range(0, len(tuples), BATCH_ROWS)]
    cursor = connection.cursor()
    for turn in (1, 2):
        for variant in "ab":
            cursor.execute(f"DROP TABLE IF EXISTS {variant}")
            cursor.execute(schema(variant))
            statements = [f"INSERT INTO {variant} VALUES {batch}".encode() for batch in batches]
            begun = time.monotonic()
            for statement in statements:
                connection.query(statement)
            print(f"insert {variant} turn {turn}: {len(lines) / (time.monotonic() - begun):,.0f} rows/s", flush=True)
    for variant in "ab":
        cursor.execute(f"ANALYZE TABLE {variant}")
        cursor.fetchall()


def measure(connection, samples, turns):
    rows = [line.split("\t") for line in random.Random(1).sample(open("rows.tsv").read().splitlines(), 20_000)]
    cursor = connection.cursor()
    for name, index, draw in questions(rows):
        times, reads = {"a": [], "b": []}, {"a": 0, "b": 0}
        for turn in range(turns):
            for _ in range(samples):
                condition, months = draw()
                for variant in random.sample("ab", 2):
                    before = pages_read(cursor)
                    times[variant].append(server_time(cursor, select(variant, index, condition).format(*months)))
                    reads[variant] += pages_read(cursor) - before
            if turn + 1 < turns:
                times = {"a": [], "b": []}  # the first turn warms
        cells = []
        for variant in "ab":
            p95 = statistics.quantiles(times[variant], n=20)[18]
            cells.append(f"{variant}: median {statistics.median(times[variant]):.0f} us, p95 {p95:.0f}, "
                         f"pages read {reads[variant] / samples:.1f}")
        print(f"{name} | {' | '.join(cells)}", flush=True)


def explain(connection):
    rows = [line.split("\t") for line in random.Random(1).sample(open("rows.tsv").read().splitlines(), 20_000)]
    cursor = connection.cursor()
    mysql = "MariaDB" not in connection.get_server_info()
    word = "EXPLAIN FORMAT=TRADITIONAL" if mysql else "EXPLAIN PARTITIONS"
    for name, index, draw in questions(rows):
        condition, months = draw()
        for variant in "ab":
            sql = select(variant, index, condition).format(*months)
            for label, text in (("hint", sql), ("free", sql.replace(sql[sql.index("FORCE"):sql.index("WHERE")], ""))):
                cursor.execute(f"{word} {text}")
                found = dict(zip([d[0] for d in cursor.description], cursor.fetchone()))
                parts = found["partitions"] or ""
                parts = parts if parts.count(",") < 3 else f"{parts.count(',') + 1} of {len(MONTHS) - 1}"
                print(name, variant, label, parts, found["type"], found["key"], found["key_len"], found["rows"], found["Extra"], sep=" | ")


def main(socket, what):
    random.seed(1)
    connection = pymysql.connect(unix_socket=socket, user="root", database="clustered_key", autocommit=True)
    {"fill": fill, "explain": explain, "warm": lambda c: measure(c, 300, 2), "cold": lambda c: measure(c, 60, 1)}[what](connection)


main(*sys.argv[1:])
