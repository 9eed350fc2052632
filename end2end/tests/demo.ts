// `payhist demo` as a child process, and the commands that work on the same database.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

/** The sample's size: some pages of payments on each shard, made in a second or two. */
const ROWS = 5000;
const START_MS = 120_000;
const STOP_MS = 60_000;
/** Assets are found from the root of the repository. */
const ROOT = resolve(import.meta.dirname, "../..");
export const BINARY = resolve(import.meta.dirname, "..", process.env.CARGO_TARGET_DIR ?? "../target", "debug/payhist");

/** The one line that `demo --json` prints. */
interface Ready {
  ready: true;
  url: string;
  operator: string;
  password: string;
}

/** A running demo. */
export class Demo {
  private constructor(
    private readonly child: ChildProcess,
    private readonly ended: Promise<string>,
    readonly dir: string,
    readonly url: string,
    readonly operator: string,
    readonly password: string,
    private readonly log: () => string,
  ) {}

  /** Starts one in a folder of its own, on a free port. */
  static async start(): Promise<Demo> {
    if (!existsSync(BINARY)) throw new Error(`There is no ${BINARY}: run \`make build\` first.`);
    const dir = mkdtempSync(join(tmpdir(), "payhist-end2end-"));
    const args = ["demo", "--dir", dir, "--port", "0", "--rows", String(ROWS), "--json"];
    const child = spawn(BINARY, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    process.once("exit", () => child.kill("SIGTERM")); // also when the runner gives up on this worker
    const ended = new Promise<string>((done) => child.once("exit", (code, signal) => done(`${code ?? signal}`)));
    let log = "";
    child.stderr.on("data", (text) => (log += text));
    const line = await firstLine(child, () => log);
    const { url, operator, password } = JSON.parse(line) as Ready;
    return new Demo(child, ended, dir, url, operator, password, () => log);
  }

  /** Stops it as a service manager would. Errors: it fails to stop cleanly, or leaves a database server behind. */
  async stop(): Promise<void> {
    this.child.kill("SIGTERM");
    const end = await within(STOP_MS, this.ended, () => `The demo does not stop.\n${this.log()}`);
    if (end !== "0") throw new Error(`The demo ended with ${end} instead of 0.\n${this.log()}`);
    const left = processesOf(this.dir);
    if (left.length > 0) throw new Error(`The demo left processes behind: ${left.join(", ")}`);
    rmSync(this.dir, { recursive: true });
  }

  /** The answer of another command on the same database, e.g. `jobs list`. */
  command<T>(args: string[], input = ""): T {
    const config = join(this.dir, "payhist.toml");
    return JSON.parse(execFileSync(BINARY, [...args, "--config", config, "--json"], { input, encoding: "utf8" })) as T;
  }

  /** The private server's socket. */
  get socket(): string {
    return join(this.dir, "run/mysql.sock");
  }
}

function firstLine(child: ChildProcess, log: () => string): Promise<string> {
  const line = new Promise<string>((done, failed) => {
    createInterface({ input: child.stdout! }).once("line", done);
    child.once("error", failed);
    child.once("exit", (code, signal) => failed(new Error(`The demo ended with ${code ?? signal}.\n${log()}`)));
  });
  return within(START_MS, line, () => `The demo is not ready after ${START_MS} ms.\n${log()}`);
}

async function within<T>(limitMs: number, work: Promise<T>, complaint: () => string): Promise<T> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_, failed) => {
    timer = setTimeout(() => failed(new Error(complaint())), limitMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Processes whose command line names the folder. */
export function processesOf(dir: string): string[] {
  const commandLine = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    } catch {
      return ""; // it has ended meanwhile
    }
  };
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => commandLine(pid).includes(dir)).map((pid) => `${pid} ${commandLine(pid)}`);
}
