/** The dashboard in a real browser, over a whole `dev`. */
import { expect } from "expect";
import { freePort } from "../free_ports.ts";
import { startProgram } from "../program_process.ts";
import { documentAt, documentsAt, findChromium } from "./chromium.ts";

const chromium = await findChromium();
const RECORDS = 40;
const HOSTILE =
  "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"> \u001b[31mred \u202egnp";

async function waitFor<T>(ask: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

Deno.test({
  name: "the dashboard shows a topic, narrows by its address, and takes no log text for markup",
  ignore: chromium === null,
  async fn(t) {
    const browser = chromium ?? "";
    const data = await Deno.makeTempDir({ prefix: "millrace-browser-" });
    const port = freePort();
    const dev = await startProgram("dev", ["--port", String(port), "--no-generator", "--data", data]);
    try {
      const origin = `http://127.0.0.1:${port}`;
      await waitFor(() => fetch(`${origin}/readyz`).then(({ ok }) => ok || undefined, () => undefined));
      const page = (query: string) => documentAt(browser, `${origin}/dashboard${query}`);

      await t.step("without a topic it says how to send records", async () => {
        expect(await page("")).toContain("deno task produce --file access.log --topic access");
      });

      const now = Date.now();
      const lines = Array.from({ length: RECORDS }, (_, i) =>
        JSON.stringify({
          timestamp: new Date(now - i * 100).toISOString(),
          level: i % 4 === 0 ? "ERROR" : "INFO",
          service: i % 2 === 0 ? "cart" : "pay",
          message: i === 0 ? HOSTILE : `message ${i}`,
        }));
      const sent = await fetch(`${origin}/ingest/v1/shop`, { method: "POST", body: lines.join("\n") });
      expect(await sent.json()).toMatchObject({ accepted: RECORDS });
      await waitFor(async () => {
        const { events } = await (await fetch(`${origin}/api/v1/events?topic=shop&limit=1000`)).json();
        return events.length === RECORDS ? true : undefined;
      });

      await t.step("events, levels and figures are there", async () => {
        const html = await page("");
        for (let i = 1; i < 30; i++) expect(html).toContain(`>message ${i}<`); // those that are in sight
        expect(html).toContain(`aria-setsize="${RECORDS}"`);
        expect(html).toContain("75 %"); // of 40 events 10 are errors
        expect(
          [...html.matchAll(
            /<th scope="row">.{0,80}title="only level (ERROR|INFO)".*?<td>(\d+)<\/td><td><span[^>]*>([\d.]+ %)</g,
          )]
            .map(([, level, count, share]) => [level, count, share]),
        ).toEqual([["INFO", "30", "75.00 %"], ["ERROR", "10", "25.00 %"]]);
      });

      await t.step("text from a log is shown and does nothing", async () => {
        const html = await page("");
        expect(html).toContain("<title>Millrace dashboard</title>");
        expect(html.match(/<script/g)).toHaveLength(1);
        expect(html).not.toContain("<img");
        expect(html).toContain("&lt;script&gt;document.title='owned'&lt;/script&gt;");
        expect(html).toContain("\\u001b[31mred \\u202egnp");
        expect(html).not.toContain("\u202e");
      });

      await t.step("records that could not be parsed are there with their reason", async () => {
        const sent = await fetch(`${origin}/ingest/v1/shop`, { method: "POST", body: "no <b>json</b>" });
        expect(await sent.json()).toMatchObject({ accepted: 1 });
        await waitFor(async () => {
          const { records } = await (await fetch(`${origin}/api/v1/quarantine?topic=shop`)).json();
          return records.length === 1 ? true : undefined;
        });
        const html = await page("?list=quarantine");
        expect(html).toContain(">invalid json<");
        expect(html).toContain("no &lt;b&gt;json&lt;/b&gt;");
      });

      await t.step("conditions and text of the address narrow what is shown", async () => {
        const html = await page(`?${new URLSearchParams({ where: "service=pay", q: "message 1" })}`);
        const events = html.slice(html.indexOf('aria-label="Events, newest first"'));
        const shown = [...events.matchAll(/class="said"><bdi>(.*?)<\/bdi>/g)].map(([, said]) =>
          said.replaceAll(/<\/?mark>/g, "")
        );
        const wanted = Array.from({ length: RECORDS }, (_, i) => i)
          .filter((i) => i % 2 === 1 && `message ${i}`.includes("message 1")).map((i) => `message ${i}`);
        expect(shown).toEqual(wanted);
        expect(html).toContain('aria-label="remove service=pay"');
        expect(html).toMatch(/where=service%3Dpay[^"]*" download/);
        expect(events.match(/<mark>message 1<\/mark>/g)).toHaveLength(wanted.length);
      });

      const other = (path: string) => documentAt(browser, `${origin}${path}`);

      await t.step("the page of topics shows partitions, and the records of the log as text", async () => {
        const html = await other("/topics?topic=shop&at=earliest");
        expect(html).toContain(`<td>${RECORDS + 1}</td>`);
        const recordsOf = async (query: string) => {
          const each = [0, 1, 2, 3].map((partition) => `${origin}/topics?topic=shop&partition=${partition}&${query}`);
          return (await documentsAt(browser, each)).join("\n");
        };
        const pages = await recordsOf("at=earliest");
        const said = [...pages.matchAll(/"message":"(message \d+)"/g)].map(([, message]) => message);
        const inSight = Array.from({ length: 29 }, (_, i) => `message ${i + 1}`);
        expect(said).toEqual(expect.arrayContaining(inSight));
        expect(pages).not.toContain("<img");
        expect(await other("/topics?topic=shop&at=999999")).toMatch(/role="alert">offset: 999999 is not in the log/);
        const found = await recordsOf("at=earliest&q=MESSAGE%2017");
        expect(found.match(/class="said">/g)).toHaveLength(1);
      });

      await t.step(
        "the access report counts an access log, under conditions, and says where there is none",
        async () => {
          const lines = Array.from(
            { length: 12 },
            (_, i) =>
              `10.0.0.${i % 3} - - [01/Mar/2026:0${i % 10}:00:00 +0000] "GET /<b>${i % 2}</b> HTTP/1.1" ${
                i % 4 === 0 ? 404 : 200
              } ${i}`,
          );
          const sent = await fetch(`${origin}/ingest/v1/access`, { method: "POST", body: lines.join("\n") });
          expect(await sent.json()).toMatchObject({ accepted: 12 });
          await waitFor(async () => {
            const answer = await fetch(`${origin}/api/v1/reports/access?topic=access`);
            return answer.ok && (await answer.json()).lines === 12 ? true : undefined;
          });
          const html = await other("/report");
          const figures = [...html.matchAll(/<dt>([^<]+)<\/dt><dd>([^<]+)</g)].map(([, name, value]) => [name, value]);
          expect(Object.fromEntries(figures)).toMatchObject({ lines: "12", "distinct hosts": "3", "not found": "3" });
          expect(html).toContain("/&lt;b&gt;1&lt;/b&gt;");
          expect(html).not.toContain("<b>1");
          const narrowed = await other("/report?topic=access&where=status%3D404");
          expect(narrowed).toMatch(/<dt>lines<\/dt><dd>3</);
          expect(narrowed).toContain('aria-label="remove status=404"');
          expect(await other("/report?topic=access&from=2020-01-01&to=2020-01-02")).toContain("No request fits");
          expect(await other("/report?topic=nowhere")).toMatch(/role="alert">there is no topic nowhere/);
        },
      );

      await t.step("what is not there is said in words", async () => {
        expect(await page("?topic=nowhere")).toMatch(/role="alert">there is no topic nowhere</);
      });
    } finally {
      dev.kill("SIGTERM");
      expect((await dev.ended).code).toBe(0);
      await Deno.remove(data, { recursive: true });
    }
  },
});
