import { expect } from "expect";
import { gunzipSync } from "node:zlib";
import { StaticFile } from "./static_file.ts";

async function withFiles(run: (file: StaticFile, directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "millrace-static-" });
  try {
    for (const name of ["a", "b"]) await Deno.writeTextFile(`${directory}/${name}`, `/* ${name} */`);
    await run(
      new StaticFile("text/css", ...["a", "b"].map((name) => new URL(`file://${directory}/${name}`))),
      directory,
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("files are one answer, compressed for those who say that they take it", async () => {
  await withFiles(async (file) => {
    const answer = async (accepted: string) => {
      const response = await file.answer(new Headers(accepted === "" ? {} : { "accept-encoding": accepted }));
      expect(response.headers.get("content-type")).toBe("text/css");
      expect(response.headers.get("vary")).toBe("Accept-Encoding");
      const bytes = new Uint8Array(await response.arrayBuffer());
      const isZipped = response.headers.get("content-encoding") === "gzip";
      expect(new TextDecoder().decode(isZipped ? gunzipSync(bytes) : bytes)).toBe("/* a */\n/* b */");
      return isZipped;
    };
    for (const accepted of ["gzip", "gzip, deflate, br", "br;q=1.0, gzip;q=0.8", "deflate,gzip"]) {
      expect({ accepted, isZipped: await answer(accepted) }).toEqual({ accepted, isZipped: true });
    }
    for (const accepted of ["", "br", "gzip;q=0", "gzip; q=0.0, br", "x-gzipped"]) {
      expect({ accepted, isZipped: await answer(accepted) }).toEqual({ accepted, isZipped: false });
    }
  });
});

Deno.test("whoever has a file is told that it is the same, until it is another one", async () => {
  await withFiles(async (file, directory) => {
    const first = await file.answer(new Headers());
    await first.body?.cancel();
    const tag = first.headers.get("etag") ?? "";
    const again = await file.answer(new Headers({ "if-none-match": `"other", ${tag}` }));
    expect({ status: again.status, text: await again.text() }).toEqual({ status: 304, text: "" });
    await Deno.writeTextFile(`${directory}/b`, "/* changed */");
    const changed = await file.answer(new Headers({ "if-none-match": tag }));
    expect({ status: changed.status, text: await changed.text() }).toEqual({
      status: 200,
      text: "/* a */\n/* changed */",
    });
    expect(changed.headers.get("etag")).not.toBe(tag);
  });
});
