/** Lines of a file as service, level and message: every line one, in their order. */
import { EventFields, SLOT, type TextField } from "../../core/minutes/fields.ts";
import type { CompiledParser } from "../../engine/parsing/parser.ts";
import { detectFormat, findParser } from "../../engine/parsing/registry.ts";

/** A line is the message itself. */
export const MESSAGE_FORMAT = "message";
/** Lines that a format is detected from. */
const SAMPLE_LINES = 100;

export interface ReadLine {
  readonly service: string;
  readonly level: string;
  readonly message: string;
}

export class LineReader {
  #format: string | null;
  #parser: CompiledParser | null = null;
  readonly #fields = new EventFields();
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();

  /** @param format Name of a parser, {@link MESSAGE_FORMAT}, or null: detected. */
  constructor(format: string | null) {
    this.#format = format;
    this.#compile();
  }

  /** As it was given or detected. */
  get format(): string {
    return this.#format ?? MESSAGE_FORMAT;
  }

  #compile(): void {
    const parser = this.#format === null ? undefined : findParser(this.#format);
    this.#parser = parser?.compile({ timeZone: "UTC", mapping: {} }) ?? null;
  }

  async *read(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ReadLine> {
    const sample: string[] = [];
    for await (const line of linesOf(chunks)) {
      if (this.#format !== null) yield this.#readLine(line);
      else if (sample.push(line) === SAMPLE_LINES) yield* this.#begin(sample);
    }
    if (this.#format === null) yield* this.#begin(sample);
  }

  *#begin(sample: readonly string[]): Generator<ReadLine> {
    this.#format = detectFormat(sample.map((line) => this.#encoder.encode(line)))?.name ?? MESSAGE_FORMAT;
    this.#compile();
    for (const line of sample) yield this.#readLine(line);
  }

  #readLine(line: string): ReadLine {
    if (this.#parser === null) return { service: "", level: "", message: line };
    const bytes = this.#encoder.encode(line);
    const fields = this.#fields;
    this.#parser.kernel?.forget();
    if (this.#parser.parse(bytes, 0, bytes.length, 0, fields) !== null) {
      return { service: "", level: "", message: line };
    }
    const textOf = (name: TextField): string => {
      const start = fields.starts[SLOT[name]];
      return start < 0 ? "" : this.#decoder.decode(fields.bytes.subarray(start, fields.ends[SLOT[name]]));
    };
    const said = textOf("message") || [textOf("method"), textOf("endpoint")].filter((part) => part !== "").join(" ");
    return { service: textOf("service"), level: textOf("level"), message: said || line };
  }
}

/** Lines without their ends, empty ones too; what is no UTF-8 is replaced. */
async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  /** Of a line whose end has not come: a long one is not looked through again with each chunk. */
  let parts: string[] = [];
  for await (const chunk of chunks) {
    const [first, ...lines] = decoder.decode(chunk, { stream: true }).split("\n");
    parts.push(first);
    for (const next of lines) {
      yield withoutReturn(parts.join(""));
      parts = [next];
    }
  }
  parts.push(decoder.decode());
  const last = parts.join("");
  if (last !== "") yield withoutReturn(last);
}

const withoutReturn = (line: string): string => line.endsWith("\r") ? line.slice(0, -1) : line;
