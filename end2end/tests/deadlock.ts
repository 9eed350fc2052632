// A real deadlock in the demo's database: two clients take two rows in opposite orders.

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Demo } from "./demo.ts";

interface Location {
  schema: string;
  table: string;
}

/** What the two clients did to each other. */
export interface ProvokedDeadlock {
  /** The tables of the two rows. */
  tables: [string, string];
  /** The table whose row the one that was rolled back waited for. */
  victimWaitedFor: string;
}

/** Makes two transactions wait for each other. Takes locks only: no row is changed. */
export async function provokeDeadlock(demo: Demo): Promise<ProvokedDeadlock> {
  const { payments } = demo.command<{ payments: { payment_id: string; shard: number }[] }>(["payments", "list"]);
  const one = payments[0]!;
  const other = payments.find((payment) => payment.shard !== one.shard)!;
  const rows = [one, other].map(({ payment_id }) => {
    const { location } = demo.command<{ location: Location }>(["payments", "show", payment_id]);
    const table = `${location.schema}.${location.table}`;
    return { table, lock: `SELECT payment_id FROM ${table} WHERE payment_id = ${payment_id} FOR UPDATE` };
  });
  const [left, right] = rows as [(typeof rows)[0], (typeof rows)[0]];
  const [first, second] = [new Client(demo.socket), new Client(demo.socket)];
  await Promise.all([first.run(`BEGIN; ${left.lock}`), second.run(`BEGIN; ${right.lock}`)]);
  // Whichever comes second closes the circle.
  const fates = await Promise.all([first.run(right.lock), second.run(left.lock)]);
  const ends = await Promise.all([first.end(), second.end()]);
  if (fates.filter((fate) => fate === "done").length !== 1) throw new Error(`One of two must be the victim:\n${ends.join("\n")}`);
  return { tables: [left.table, right.table], victimWaitedFor: fates[0] === "done" ? left.table : right.table };
}

/** The command line client, fed statement by statement. It ends at its first error. */
export class Client {
  private readonly process: ChildProcessWithoutNullStreams;
  private readonly answers: AsyncIterator<string>;
  private readonly ended: Promise<string>;

  constructor(socket: string) {
    this.process = spawn("mariadb", ["--no-defaults", `--socket=${socket}`, "--user=root", "--batch", "--unbuffered", "--skip-column-names"]);
    this.answers = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
    let errors = "";
    this.process.stderr.on("data", (text) => (errors += text));
    this.process.stdin.on("error", () => {}); // it has ended: `run` says so
    this.ended = new Promise((done) => this.process.once("close", () => done(errors)));
  }

  /** Waits until the statements are done, or until one of them has failed. */
  async run(sql: string): Promise<"done" | "failed"> {
    this.process.stdin.write(`${sql}; SELECT 'done';\n`);
    for (;;) {
      const { value, done } = await this.answers.next();
      if (done) return "failed";
      if (value === "done") return "done";
    }
  }

  /** Rolls back whatever is open; answers what the client complained about. */
  end(): Promise<string> {
    this.process.stdin.end();
    return this.ended;
  }
}
