/**
 * An archive in HDFS, over WebHDFS (https://hadoop.apache.org/docs/stable/hadoop-project-dist/hadoop-hdfs/WebHDFS.html).
 * A file is written under another name and renamed when it is complete. Of several name nodes the active one answers.
 */
import { z } from "zod";
import { messageOf, MillraceError } from "../errors.ts";
import type { Archive, ArchiveBody, ArchivedFile } from "./archive.ts";

const REQUEST_TIMEOUT_MS = 60_000;
/** A file may be large. */
const UPLOAD_TIMEOUT_MS = 600_000;
const TEMPORARY = ".writing";

export interface HdfsPlace {
  readonly scheme: "http" | "https";
  readonly nameNodes: readonly string[];
  /** Begins with a slash, ends without one; empty for the root. */
  readonly path: string;
}

/** `webhdfs://HOST:PORT[,HOST:PORT]/PATH`, or swebhdfs for TLS. Throws INVALID_CONFIG. */
export function parseHdfsLocation(location: string): HdfsPlace {
  const match = /^(s?)webhdfs:\/\/([^/\s]+)(\/.*?)?\/*$/.exec(location);
  const nameNodes = match?.[2].split(",") ?? [];
  if (match === null || nameNodes.some((name) => !/^[^:@]+:\d{1,5}$/.test(name))) {
    throw new MillraceError(
      "INVALID_CONFIG",
      `archive.location: ${location} names no name node`,
      "write webhdfs://HOST:PORT/PATH, with the port of the name node's web server (9870); several: HOST:PORT,HOST:PORT",
    );
  }
  return { scheme: match[1] === "s" ? "https" : "http", nameNodes, path: match[3] ?? "" };
}

const fileStatus = z.object({
  pathSuffix: z.string(),
  type: z.enum(["FILE", "DIRECTORY", "SYMLINK"]),
  length: z.number(),
  modificationTime: z.number(),
});
const listing = z.object({ FileStatuses: z.object({ FileStatus: z.array(fileStatus) }) });
const location = z.object({ Location: z.url() });
const success = z.object({ boolean: z.boolean() });
const remoteException = z.object({ RemoteException: z.object({ exception: z.string(), message: z.string() }) });

/** What a name node answers where it cannot, but another may. */
const ELSEWHERE = new Set(["StandbyException", "RetriableException", "SafeModeException"]);

class HdfsError extends Error {
  override readonly name = "HdfsError";
  constructor(readonly exception: string, message: string) {
    super(message);
  }
}

export class HdfsArchive implements Archive {
  readonly #place: HdfsPlace;
  readonly #user: string;
  /** The one that answered last is asked first. */
  #active = 0;

  constructor({ location, user }: { readonly location: string; readonly user: string }) {
    this.#place = parseHdfsLocation(location);
    this.#user = user;
  }

  get location(): string {
    const { scheme, nameNodes, path } = this.#place;
    return `${scheme === "https" ? "s" : ""}webhdfs://${nameNodes.join(",")}${path}`;
  }

  async put(key: string, body: ArchiveBody): Promise<void> {
    const temporary = `${TEMPORARY}/${crypto.randomUUID()}.parquet`;
    try {
      const { Location } = location.parse(
        await this.#ask("PUT", temporary, { op: "CREATE", overwrite: "true", noredirect: "true" }),
      );
      await this.#data("PUT", Location, body);
      await this.#ask("PUT", key.slice(0, key.lastIndexOf("/")), { op: "MKDIRS" });
      if (await this.#rename(temporary, key)) return;
      // HDFS renames to names alone that are not there.
      await this.#delete(key);
      if (!await this.#rename(temporary, key)) throw new Error(`cannot rename ${temporary} to ${key}`);
    } catch (error) {
      await this.#delete(temporary).catch(() => {});
      throw error;
    }
  }

  async #rename(from: string, to: string): Promise<boolean> {
    const destination = `${this.#place.path}/${to}`;
    return success.parse(await this.#ask("PUT", from, { op: "RENAME", destination })).boolean;
  }

  async #delete(key: string): Promise<boolean> {
    return success.parse(await this.#ask("DELETE", key, { op: "DELETE" })).boolean;
  }

  async *list(prefix: string): AsyncGenerator<ArchivedFile> {
    yield* this.#walk(prefix.slice(0, prefix.lastIndexOf("/") + 1), prefix);
  }

  async *#walk(folder: string, prefix: string): AsyncGenerator<ArchivedFile> {
    for (const { pathSuffix, type, length, modificationTime } of await this.#entries(folder)) {
      const key = folder + pathSuffix;
      if (type === "DIRECTORY") {
        const inner = `${key}/`;
        const isOnTheWay = inner.startsWith(prefix) || prefix.startsWith(inner);
        if (key !== TEMPORARY && isOnTheWay) yield* this.#walk(inner, prefix);
      } else if (type === "FILE" && key.startsWith(prefix)) yield { key, bytes: length, modifiedMs: modificationTime };
    }
  }

  async #entries(folder: string): Promise<z.infer<typeof fileStatus>[]> {
    try {
      const answer = await this.#ask("GET", folder.replace(/\/$/, ""), { op: "LISTSTATUS" });
      return listing.parse(answer).FileStatuses.FileStatus;
    } catch (error) {
      if (isAbsent(error)) return [];
      throw error;
    }
  }

  async folders(folder: string): Promise<string[]> {
    const names = (await this.#entries(folder)).filter(({ type }) => type === "DIRECTORY").map(({ pathSuffix }) =>
      pathSuffix
    );
    return names.filter((name) => folder + name !== TEMPORARY);
  }

  async fetch(key: string, path: string): Promise<boolean> {
    let from: string;
    try {
      from = location.parse(await this.#ask("GET", key, { op: "OPEN", noredirect: "true" })).Location;
    } catch (error) {
      if (isAbsent(error)) return false;
      throw error;
    }
    const { body } = await this.#data("GET", from, null);
    const file = await Deno.open(path, { write: true, createNew: true });
    if (body === null) file.close();
    else await body.pipeTo(file.writable);
    return true;
  }

  /** Folders that become empty go, too. */
  async remove(keys: readonly string[]): Promise<void> {
    const folders = new Set<string>();
    for (const key of keys) {
      await this.#delete(key);
      folders.add(key.slice(0, key.lastIndexOf("/")));
    }
    for (const folder of folders) {
      for (let at = folder; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf("/")))) {
        if (!await this.#delete(at).catch(() => false)) break; // not empty
      }
    }
  }

  close(): void {}

  /** Asks the name nodes in turn, from the one that answered last. */
  async #ask(method: string, key: string, parameters: Readonly<Record<string, string>>): Promise<unknown> {
    const { scheme, nameNodes, path } = this.#place;
    const query = new URLSearchParams({ ...parameters, ...(this.#user === "" ? {} : { "user.name": this.#user }) });
    const escaped = `${path}/${key}`.split("/").map(encodeURIComponent).join("/");
    let failure: unknown;
    for (let tried = 0; tried < nameNodes.length; tried++) {
      const at = (this.#active + tried) % nameNodes.length;
      try {
        const url = `${scheme}://${nameNodes[at]}/webhdfs/v1${escaped}?${query}`;
        const answer = await jsonOf(await request(method, url, null));
        this.#active = at;
        return answer;
      } catch (error) {
        failure = error;
        if (error instanceof HdfsError && !ELSEWHERE.has(error.exception)) break;
      }
    }
    if (failure instanceof HdfsError && isAbsent(failure)) throw failure;
    throw new Error(`${this.location}: ${parameters.op} of ${key}: ${messageOf(failure)}`, { cause: failure });
  }

  /** Sends to, or reads from, the data node that a name node named. */
  async #data(method: string, url: string, body: ArchiveBody | null): Promise<Response> {
    const response = await request(method, url, body);
    if (!response.ok) await jsonOf(response);
    if (method === "PUT") await response.body?.cancel();
    return response;
  }
}

const isAbsent = (error: unknown): boolean => error instanceof HdfsError && error.exception === "FileNotFoundException";

async function request(method: string, url: string, body: ArchiveBody | null): Promise<Response> {
  return await fetch(url, {
    method,
    redirect: "manual",
    signal: AbortSignal.timeout(body === null ? REQUEST_TIMEOUT_MS : UPLOAD_TIMEOUT_MS),
    ...(body === null
      ? {}
      : { body: ReadableStream.from(body.chunks()), headers: { "content-type": "application/octet-stream" } }),
  });
}

/** Throws HdfsError where the answer tells an exception. */
async function jsonOf(response: Response): Promise<unknown> {
  const text = await response.text();
  if (response.ok && text === "") return {};
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Error(`it answered ${response.status} without JSON: is this the web server of a name node?`);
  }
  if (response.ok) return answer;
  const told = remoteException.safeParse(answer);
  if (!told.success) throw new Error(`it answered ${response.status}`);
  const { exception, message } = told.data.RemoteException;
  throw new HdfsError(exception, `${exception}: ${message.split("\n", 1)[0]}`);
}
