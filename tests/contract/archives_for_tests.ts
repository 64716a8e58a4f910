/** Every kind of archive, over the real thing: a directory, two services of S3, HDFS. */
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import type { Archive } from "../../core/archive/archive.ts";
import { openArchive } from "../../core/archive/registry.ts";
import { type Config, configSchema } from "../../core/config/schema.ts";
import { serviceForTests } from "../services/for_tests.ts";

/** One archive of a test's own. */
export interface ArchiveForTests {
  readonly settings: Partial<Config["archive"]>;
  /** More keys than one answer of a listing has, where that is limited. */
  readonly manyKeys: number;
  open(): Promise<Archive>;
  remove(): Promise<void>;
}

type Maker = () => Promise<ArchiveForTests>;

function archiveAt(settings: Partial<Config["archive"]>, remove: () => Promise<void> = () => Promise.resolve()) {
  return {
    settings,
    manyKeys: settings.location?.startsWith("s3:") ? 1_050 : 120,
    async open() {
      const archive = await openArchive(configSchema.parse({ archive: settings }));
      if (archive === null) throw new Error("no archive was configured");
      return archive;
    },
    remove,
  };
}

export async function localArchive(): Promise<ArchiveForTests> {
  const directory = await Deno.makeTempDir({ prefix: "millrace-archive-" });
  return archiveAt({ location: `${directory}/kept` }, () => Deno.remove(directory, { recursive: true }));
}

export type S3Access = Readonly<Record<"endpoint" | "accessKeyId" | "secretAccessKey", string>>;

/** A bucket of its own in a service; what is in it goes with the service. */
export async function makeBucket({ endpoint, accessKeyId, secretAccessKey }: S3Access): Promise<string> {
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true, credentials });
  const bucket = `test-${crypto.randomUUID()}`;
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  return bucket;
}

export async function s3AccessForTests(service: "moto" | "s3proxy"): Promise<S3Access | null> {
  const access = await serviceForTests(service);
  if (access === null) return null;
  const { endpoint, accessKeyId, secretAccessKey } = access;
  return { endpoint, accessKeyId, secretAccessKey };
}

async function s3Maker(service: "moto" | "s3proxy"): Promise<Maker | null> {
  const access = await s3AccessForTests(service);
  if (access === null) return null;
  return async () => archiveAt({ ...access, location: `s3://${await makeBucket(access)}/kept` });
}

async function hdfsMaker(): Promise<Maker | null> {
  const access = await serviceForTests("hdfs");
  if (access === null) return null;
  // The first of the name nodes is nobody: what is asked goes on to the next.
  const nameNodes = `127.0.0.1:1,${access.nameNode}`;
  return () => Promise.resolve(archiveAt({ location: `webhdfs://${nameNodes}/test-${crypto.randomUUID()}` }));
}

const MAKERS: readonly (readonly [kind: string, maker: Maker | null])[] = [
  ["a directory", localArchive],
  ["S3 (moto)", await s3Maker("moto")],
  ["S3 (S3Proxy)", await s3Maker("s3proxy")],
  ["HDFS", await hdfsMaker()],
];

/** A claim that every kind of archive keeps. */
export function archiveTest(claim: string, check: (under: ArchiveForTests) => Promise<void>): void {
  for (const [kind, maker] of MAKERS) {
    Deno.test({
      name: `${kind}: ${claim}`,
      ignore: maker === null,
      // Connections are kept for the next request.
      sanitizeOps: false,
      sanitizeResources: false,
      async fn() {
        if (maker === null) return;
        const under = await maker();
        try {
          await check(under);
        } finally {
          await under.remove();
        }
      },
    });
  }
}
