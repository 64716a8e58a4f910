/** The kinds of places for an archive: one line each. */
import { join } from "node:path";
import type { Config } from "../config/schema.ts";
import { MillraceError } from "../errors.ts";
import type { Archive } from "./archive.ts";
import { LocalArchive } from "./local.ts";

/** By the beginning of the location; loaded where they are used. */
const KINDS: readonly (readonly [scheme: RegExp, open: (settings: Config["archive"]) => Promise<Archive>])[] = [
  [/^s3:/, async (settings) => new (await import("./s3.ts")).S3Archive(settings)],
  [/^s?webhdfs:/, async (settings) => new (await import("./hdfs.ts")).HdfsArchive(settings)],
  [/^(?![a-z][a-z0-9+.-]+:)/i, (settings) => Promise.resolve(new LocalArchive(settings.location))],
];

/** Where the archive is; null where there is none. */
export function archiveLocation({ archive, data, engine }: Config): string | null {
  if (archive.location !== "") return archive.location;
  return engine.events === "archive" ? join(data, "archive") : null;
}

/** The configured archive, or null. Asks nothing of it yet. Throws INVALID_CONFIG. */
export async function openArchive(config: Config): Promise<Archive | null> {
  const location = archiveLocation(config);
  if (location === null) return null;
  const kind = KINDS.find(([scheme]) => scheme.test(location));
  if (kind === undefined) {
    throw new MillraceError(
      "INVALID_CONFIG",
      `archive.location: ${location} is of no kind that is known`,
      "write a directory, s3://BUCKET/PREFIX or webhdfs://HOST:PORT/PATH",
    );
  }
  return await kind[1]({ ...config.archive, location });
}
