/** An archive in a bucket of S3, or of a service that speaks like it (OBS, MinIO, Ceph, R2). */
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { FetchHttpHandler } from "@smithy/fetch-http-handler";
import { z } from "zod";
import type { Config } from "../config/schema.ts";
import { MillraceError } from "../errors.ts";
import { type Archive, type ArchiveBody, type ArchivedFile, wholeBody } from "./archive.ts";

/** Larger bodies go up in parts of this size, two at a time. */
const PART_BYTES = 8 * 1_048_576;
const PARTS_AT_ONCE = 2;
const DELETES_AT_ONCE = 8;
const REQUEST_TIMEOUT_MS = 60_000;
/** Keys in files may be rotated: so long they are taken for good. */
const KEY_FILES_MS = 60_000;

export interface S3Place {
  readonly bucket: string;
  /** Empty, or ends with a slash. */
  readonly prefix: string;
}

/** `s3://BUCKET/PREFIX`. Throws INVALID_CONFIG. */
export function parseS3Location(location: string): S3Place {
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*?))?\/?$/.exec(location);
  if (match === null) {
    throw new MillraceError(
      "INVALID_CONFIG",
      `archive.location: ${location} names no bucket`,
      "write s3://BUCKET or s3://BUCKET/PREFIX; a bucket has 3 to 63 lower-case letters, digits, dots and hyphens",
    );
  }
  const [, bucket, prefix = ""] = match;
  return { bucket, prefix: prefix === "" ? "" : `${prefix}/` };
}

export class S3Archive implements Archive {
  readonly #client: S3Client;
  readonly #place: S3Place;
  /** Whether a bucket that is missing may be made, and has not been. */
  #mayCreate: boolean;

  constructor(settings: Config["archive"]) {
    this.#mayCreate = settings.createBucket;
    this.#place = parseS3Location(settings.location);
    this.#client = new S3Client(clientConfig(settings));
  }

  get location(): string {
    return `s3://${this.#place.bucket}/${this.#place.prefix}`;
  }

  #input(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#place.bucket, Key: this.#place.prefix + key };
  }

  async put(key: string, body: ArchiveBody): Promise<void> {
    const input = { ...this.#input(key), ContentType: "application/vnd.apache.parquet" };
    await this.#telling(`write ${key}`, async () => {
      if (body.bytes <= PART_BYTES) {
        await this.#client.send(new PutObjectCommand({ ...input, Body: await wholeBody(body) }));
        return;
      }
      const params = { ...input, Body: ReadableStream.from(body.chunks()) };
      await new Upload({ client: this.#client, params, partSize: PART_BYTES, queueSize: PARTS_AT_ONCE }).done();
    });
  }

  async *list(prefix: string): AsyncGenerator<ArchivedFile> {
    const pages = paginateListObjectsV2({ client: this.#client }, {
      Bucket: this.#place.bucket,
      Prefix: this.#place.prefix + prefix,
    })[Symbol.asyncIterator]();
    for (;;) {
      const { done, value } = await this.#telling(`list ${prefix}`, () => pages.next());
      if (done) return;
      for (const { Key, Size, LastModified } of value.Contents ?? []) {
        if (Key === undefined) continue;
        yield {
          key: Key.slice(this.#place.prefix.length),
          bytes: Size ?? 0,
          modifiedMs: LastModified?.getTime() ?? 0,
        };
      }
    }
  }

  async folders(folder: string): Promise<string[]> {
    const path = this.#place.prefix + folder;
    const pages = paginateListObjectsV2({ client: this.#client }, {
      Bucket: this.#place.bucket,
      Prefix: path,
      Delimiter: "/",
    });
    const found = await this.#telling(`list ${folder}`, () => Array.fromAsync(pages));
    return found.flatMap(({ CommonPrefixes = [] }) =>
      CommonPrefixes.flatMap(({ Prefix }) => Prefix === undefined ? [] : [Prefix.slice(path.length, -1)])
    );
  }

  async fetch(key: string, path: string): Promise<boolean> {
    return await this.#telling(`read ${key}`, async () => {
      let body: ReadableStream<Uint8Array>;
      try {
        const { Body } = await this.#client.send(new GetObjectCommand(this.#input(key)));
        if (Body === undefined) return false;
        body = Body.transformToWebStream();
      } catch (error) {
        if (error instanceof Error && (error.name === "NoSuchKey" || error.name === "NotFound")) return false;
        throw error;
      }
      const file = await Deno.open(path, { write: true, createNew: true });
      await body.pipeTo(file.writable); // closes it, whatever happens
      return true;
    });
  }

  /** One request a key: the one for many needs a checksum that not every service knows. */
  async remove(keys: readonly string[]): Promise<void> {
    for (let at = 0; at < keys.length; at += DELETES_AT_ONCE) {
      await Promise.all(
        keys.slice(at, at + DELETES_AT_ONCE).map((key) =>
          this.#telling(`delete ${key}`, () => this.#client.send(new DeleteObjectCommand(this.#input(key))))
        ),
      );
    }
  }

  /** Makes the bucket; where another was faster it is there. */
  async #createBucket(): Promise<void> {
    this.#mayCreate = false;
    await this.#client.send(new CreateBucketCommand({ Bucket: this.#place.bucket })).catch((error) => {
      if (!/^Bucket(AlreadyOwnedByYou|AlreadyExists)$/.test(error.name)) throw error;
    });
  }

  /** The library's errors say what, not where. */
  async #telling<T>(what: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (error.name === "NoSuchBucket" && this.#mayCreate) {
        await this.#telling("make it", () => this.#createBucket());
        return await this.#telling(what, run);
      }
      const isNamed = error.name !== "Error" && error.name !== "TypeError";
      const status = statusOf(error);
      const why = [...(status === null ? [] : [`status ${status}`]), ...(isNamed ? [error.name] : []), error.message];
      throw new Error(`cannot ${what} in bucket ${this.#place.bucket}: ${why.join(": ")}`, { cause: error });
    }
  }

  close(): void {
    this.#client.destroy();
  }
}

/** The status of the answer that an error was made of. */
function statusOf(error: Error): number | null {
  const { $metadata, $response } = answered.catch({}).parse(error);
  return $metadata?.httpStatusCode ?? $response?.statusCode ?? null;
}

const answered = z.object({
  $metadata: z.object({ httpStatusCode: z.number().optional() }).optional(),
  $response: z.object({ statusCode: z.number().optional() }).optional(),
});

function clientConfig(settings: Config["archive"]): S3ClientConfig {
  const { endpoint, region } = settings;
  const isAws = endpoint === "";
  const decide = (choice: "auto" | "yes" | "no", automatic: boolean) =>
    choice === "auto" ? automatic : choice === "yes";
  const checksums = decide(settings.checksums, isAws) ? "WHEN_SUPPORTED" : "WHEN_REQUIRED";
  return {
    region,
    ...(isAws ? {} : { endpoint }),
    forcePathStyle: decide(settings.pathStyle, !isAws),
    requestChecksumCalculation: checksums,
    responseChecksumValidation: checksums,
    // node:http has hung and slowed down under Deno more than once; fetch is its own.
    requestHandler: new FetchHttpHandler({ requestTimeout: REQUEST_TIMEOUT_MS }),
    ...(settings.accessKeyId === "" ? {} : { credentials: () => readKeys(settings) }),
  };
}

async function readKeys(settings: Config["archive"]) {
  const { accessKeyId, secretAccessKey, secretAccessKeyFile, sessionTokenFile } = settings;
  const hasFiles = secretAccessKeyFile !== "" || sessionTokenFile !== "";
  const read = async (key: string, path: string) => {
    try {
      return (await Deno.readTextFile(path)).trim();
    } catch (cause) {
      throw new MillraceError("FILE_UNAVAILABLE", `archive.${key}: ${path} cannot be read`, "check path and rights", {
        cause,
      });
    }
  };
  return {
    accessKeyId,
    secretAccessKey: secretAccessKeyFile === ""
      ? secretAccessKey
      : await read("secretAccessKeyFile", secretAccessKeyFile),
    ...(sessionTokenFile === "" ? {} : { sessionToken: await read("sessionTokenFile", sessionTokenFile) }),
    ...(hasFiles ? { expiration: new Date(Date.now() + KEY_FILES_MS) } : {}),
  };
}
