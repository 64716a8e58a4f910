/** `produce`: streams a file, line by line, into a topic. */
import { Command } from "commander";
import type { ConfigFlag } from "../core/config/load.ts";
import { type Config, topicName, topicSettingsOf } from "../core/config/schema.ts";
import { MillraceError } from "../core/errors.ts";
import { formatBytes, formatDuration, formatPlural } from "./format.ts";
import { positiveInteger, positiveNumber, wholeNumber } from "./numbers.ts";
import type { Input } from "./produce/input.ts";
import type { RecordSink } from "./produce/sink.ts";
import type { StreamResult } from "./produce/stream.ts";
import type { CommandParts } from "./program.ts";
import { findGateway } from "./running.ts";
import { listenForStop } from "./signals.ts";
import type { Terminal } from "./terminal.ts";

interface ProduceOptions {
  readonly config?: string;
  readonly file: string;
  readonly topic: string;
  readonly format?: string;
  readonly partitions?: number;
  readonly limit?: number;
  readonly rate?: number;
  readonly skip?: number;
  readonly reset?: boolean;
  readonly url?: string;
  readonly data?: string;
}

/** Ends by Ctrl-C have this status, as shells expect. */
const STOPPED_STATUS = 130;

const HELP = `
The file may be gzip. Lines end with LF or CRLF; empty ones are left out, every other byte is kept. The records go to the
dev that runs on the data directory, over HTTP, or, when none runs, straight into its log; with kafka.brokers set, to
Kafka. A topic that isn't there is made; its format is detected unless --format names it (docs/formats.md).

A failure says which lines are surely in; --skip goes on after them.

Examples:
  deno task produce --file access.log.gz --topic access
  deno task produce --file shop.ndjson --topic shop --format json --partitions 8 --reset
  journalctl -f -o json | deno task produce --topic journal
  deno task produce --file shop.ndjson --topic shop --url http://logs.example.org:8080
`;

export function produceCommand({ terminal, end }: CommandParts): Command {
  return new Command("produce")
    .description("Stream a file, line by line, into a topic")
    .option("--file <file>", "file to read, plain or gzip (default: standard input, or -)")
    .option("--topic <topic>", "topic to write to; made if it isn't there")
    .option("--format <format>", "format of a topic that this makes (default: detected)")
    .option("--partitions <n>", "partitions of a topic that this makes", positiveInteger)
    .option("--reset", "first empty the topic and what was derived from it")
    .option("--limit <n>", "records to send at most", wholeNumber)
    .option("--skip <n>", "lines to leave out at the start", wholeNumber)
    .option("--rate <n>", "records a second", positiveNumber)
    .option("--url <url>", "gateway to send to (default: the dev of the data directory)")
    .option("--data <dir>", "data directory (default: ./data, or as configured)")
    .addHelpText("after", HELP)
    .action(async (_options: unknown, command: Command) => {
      end(await produce(command.optsWithGlobals<Partial<ProduceOptions>>(), terminal));
    });
}

async function produce(given: Partial<ProduceOptions>, terminal: Terminal): Promise<number> {
  const { checkFormat, configure } = await import("./configuration.ts");
  const options: ProduceOptions = { ...given, file: given.file ?? "-", topic: checkTopic(given.topic) };
  const flags: ConfigFlag[] = options.data === undefined ? [] : [{ key: "data", flag: "--data", value: options.data }];
  const { config } = configure(options.config, flags);
  if (options.file === "-" && Deno.stdin.isTerminal()) throw noInput();
  if (options.format !== undefined) checkFormat(options.format, "--format");
  if (options.url !== undefined) checkUrl(options.url);
  const { openInput } = await import("./produce/input.ts");
  // Before anything is reset: a misspelt file must not cost a topic.
  const input = await openInput(options.file);
  try {
    const target = await openTarget(options, config, terminal);
    try {
      return await send(input, target, options, config, terminal);
    } finally {
      await target.close();
    }
  } finally {
    input.close();
  }
}

function checkTopic(topic: string | undefined): string {
  if (topic === undefined) throw new MillraceError("INVALID_INPUT", "no topic to write to", "name it: --topic TOPIC");
  const checked = topicName.safeParse(topic);
  if (checked.success) return checked.data;
  throw new MillraceError(
    "INVALID_INPUT",
    `--topic ${JSON.stringify(topic)}: not the name of a topic`,
    checked.error.issues.map((issue) => issue.message).join("; "),
  );
}

function noInput(): MillraceError {
  return new MillraceError("INVALID_INPUT", "nothing to read", "name a file with --file FILE, or pipe lines in");
}

function checkUrl(url: string): void {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return;
  throw new MillraceError("INVALID_INPUT", `--url ${url}: not an address`, "write it as in http://127.0.0.1:8080");
}

/** Somewhere to send to. */
interface Target {
  readonly sink: RecordSink;
  close(): Promise<void>;
}

/** --url; else the log of the data directory, or, where a dev holds that, the dev. Resets the topic if asked. */
async function openTarget(options: ProduceOptions, config: Config, terminal: Terminal): Promise<Target> {
  if (options.url !== undefined) return await httpTarget(options.url, options, config);
  try {
    const { openLogTarget } = await import("./produce/log_target.ts");
    return await openLogTarget({
      config,
      topic: options.topic,
      partitions: topicSettingsOf(config, options.topic).partitions ?? config.log.partitions,
      asked: { partitions: options.partitions, format: options.format },
      isReset: options.reset === true,
      onNotice: (message) => terminal.err(`${message}\n`),
    });
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== "DATA_LOCKED") throw error;
    const gateway = await findGateway(config.data);
    if (gateway === null) throw lockedWithoutGateway(error);
    terminal.err(`${config.data} is in use (process ${gateway.pid}): producing through ${gateway.url}\n`);
    return await httpTarget(gateway.url, options, config);
  }
}

async function httpTarget(url: string, options: ProduceOptions, config: Config): Promise<Target> {
  const { openHttpTarget } = await import("./produce/http_target.ts");
  const sink = await openHttpTarget({
    url,
    topic: options.topic,
    asked: { partitions: options.partitions, format: options.format },
    isReset: options.reset === true,
    bodyBytesMax: config.gateway.ingestBodyBytesMax,
  });
  return { sink, close: () => Promise.resolve() };
}

function lockedWithoutGateway(error: MillraceError): MillraceError {
  return new MillraceError(
    "DATA_LOCKED",
    `${error.message}, whose gateway does not answer`,
    "if it is starting or stopping, try again in a moment; else stop that process, or choose another --data DIR",
    { cause: error },
  );
}

async function send(
  input: Input,
  { sink }: Target,
  options: ProduceOptions,
  config: Config,
  terminal: Terminal,
): Promise<number> {
  const { streamLines } = await import("./produce/stream.ts");
  const { progressDisplay } = await import("./produce/progress.ts");
  const display = progressDisplay(terminal, input);
  const signal = listenForStop(() => display.end());
  const startMs = performance.now();
  let result: StreamResult;
  try {
    result = await streamLines(input, sink, {
      limit: options.limit,
      rate: options.rate,
      skipLines: options.skip ?? 0,
      lineBytesMax: config.log.recordBytesMax,
      stopped: signal.stopped.then(() => {}),
      onProgress: (progress) => display.show(progress),
    });
  } finally {
    display.end();
    signal.release();
  }
  await sink.close();
  const elapsedMs = performance.now() - startMs;
  terminal.out(summary(result, { topic: options.topic, partitions: sink.partitions, elapsedMs }) + "\n");
  return result.isStopped ? STOPPED_STATUS : 0;
}

/** The one line that says what was done. */
export function summary(
  result: StreamResult,
  { topic, partitions, elapsedMs }: { topic: string; partitions: number; elapsedMs: number },
): string {
  const perSecond = formatPlural(Math.round(result.records * 1000 / Math.max(1, elapsedMs)), "record");
  const rate = result.records === 0 ? "" : ` (${perSecond}/s)`;
  const over = partitions === 0 ? "" : `, ${formatPlural(partitions, "partition")},`;
  const empty = result.emptyLines === 0 ? "" : `; ${formatPlural(result.emptyLines, "empty line")} left out`;
  const stopped = result.isStopped ? `; stopped after line ${result.durableLine}` : "";
  const produced = `produced ${formatPlural(result.records, "record")} (${
    formatBytes(result.recordBytes)
  }) to ${topic}`;
  return `${produced}${over} in ${formatDuration(elapsedMs)}${rate}${empty}${stopped}`;
}
