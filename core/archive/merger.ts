/**
 * Merges the segments of one partition and hour into one, once no more come. The merged file covers all that there were
 * from the first on, so that of two mergers one always covers what the other made; the files it was made of are deleted
 * after it is there, and whoever reads passes them over from then on.
 */
import { concatenateFiles, countRows } from "../parquet/merge.ts";
import { rewriteParquet } from "../store/duckdb_rewrite.ts";
import { type Archive, fileBody } from "./archive.ts";
import { segmentKey } from "./keys.ts";
import { type ArchivedHour, removeCovered } from "./listing.ts";

/** Together larger segments are left as they are: there are few of them. */
const MERGE_BYTES_MAX = 1024 * 1_048_576;
/** From so many rows a group on, groups are good to read: they are taken over as they are. */
const GROUP_ROWS_MIN = 4096;

/**
 * Merges the segments of an hour that end at or before `until`, an offset below which the chain is complete. Answers how many
 * became one; 0 where there was nothing to do. `directory` is for copies, which are removed.
 */
export async function mergeHour(
  archive: Archive,
  hour: ArchivedHour,
  until: number,
  directory: string,
): Promise<number> {
  const current = await removeCovered(archive, hour);
  const complete = current.filter(({ to }) => to <= until);
  const bytes = complete.reduce((sum, segment) => sum + segment.bytes, 0);
  if (complete.length < 2 || bytes > MERGE_BYTES_MAX) return 0;
  const work = `${directory}/${crypto.randomUUID()}`;
  await Deno.mkdir(work, { recursive: true });
  try {
    const paths: string[] = [];
    for (const { key } of complete) {
      const path = `${work}/${paths.length}.parquet`;
      if (!await archive.fetch(key, path)) return 0; // another merges, too
      paths.push(path);
    }
    const merged = `${work}/merged.parquet`;
    await mergeFiles(paths, merged);
    const name = { ...hour, from: complete[0].from, to: complete[complete.length - 1].to, isMerged: true };
    await archive.put(segmentKey(name), await fileBody(merged));
    await archive.remove(complete.map(({ key }) => key).filter((key) => key !== segmentKey(name)));
    await removeCovered(archive, hour); // this one, where another merged more meanwhile
    return complete.length;
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

async function mergeFiles(paths: readonly string[], output: string): Promise<void> {
  const counts = await Promise.all(paths.map(countRows));
  const sum = (of: "rows" | "groups") => counts.reduce((total, count) => total + count[of], 0);
  if (sum("rows") >= GROUP_ROWS_MIN * sum("groups")) {
    await concatenateFiles(paths.map((path, n) => ({ path, first: 0, count: counts[n].groups })), output);
  } else await rewriteParquet(paths, output);
  const { rows } = await countRows(output);
  // What is not in the copy would be gone with the originals.
  if (rows !== sum("rows")) throw new Error(`of ${sum("rows")} archived rows ${rows} were merged`);
}
