/** What a command line asks of a topic: it must agree with a topic that is there. */
import { MillraceError } from "../../core/errors.ts";

export interface Asked {
  readonly partitions?: number;
  readonly format?: string;
}

/** Throws INVALID_INPUT where the topic `name` has something else than was asked for. */
export function refuseChange(
  name: string,
  asked: Asked,
  topic: { readonly partitions: number; readonly format: string | null },
): void {
  refuse(name, "partitions", asked.partitions, topic.partitions);
  refuse(name, "format", asked.format, topic.format ?? "still to be detected");
}

function refuse(name: string, what: string, asked: string | number | undefined, has: string | number): void {
  if (asked === undefined || asked === has) return;
  throw new MillraceError(
    "INVALID_INPUT",
    `--${what} ${asked}: topic ${name} is there already, its ${what}: ${has}`,
    `leave --${what} out, or start the topic anew with --reset`,
  );
}
