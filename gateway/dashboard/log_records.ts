/** The records of the log themselves, by offset, time, text or key; a key is looked for in all partitions. */
import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, type LogRecords, logRecords, type TopicInfo, wordsOf } from "./api.ts";
import { Choice } from "./controls.ts";
import { inert } from "./inert.ts";
import { momentOf, stampOf, zoneName } from "./times.ts";
import { type BrowsedState, browseParameters, type BrowseState, firstFilled } from "./topics_state.ts";
import { VirtualList } from "./virtual_list.ts";

/** A record with its partition, and the page that it is of. */
type Placed = LogRecords["records"][number] & { readonly partition: number };

interface Found {
  readonly records: readonly Placed[];
  /** Where each partition that was asked goes on; absent where all of it was looked through. */
  readonly next: ReadonlyMap<number, number>;
}

/** Asks one partition, or all of them where a key is wanted. */
async function find(topic: TopicInfo, state: BrowsedState): Promise<Found> {
  const partitions = state.key === "" ? [state.partition] : topic.partitions.map(({ partition }) => partition);
  const pages = await Promise.all(
    partitions.map((partition) =>
      ask(`/api/v1/topics/${topic.name}/records`, logRecords, browseParameters({ ...state, partition }))
    ),
  );
  const records = pages.flatMap(({ records }, i) => records.map((record) => ({ ...record, partition: partitions[i] })));
  if (partitions.length > 1) records.sort((a, b) => a.timestamp < b.timestamp ? -1 : a.timestamp > b.timestamp ? 1 : 0);
  const next = pages.flatMap(({ next, end }, i) => next < end ? [[partitions[i], next] as const] : []);
  return { records, next: new Map(next) };
}

export function LogRecordsPanel({ topic, state, go }: {
  readonly topic: TopicInfo;
  readonly state: BrowsedState;
  readonly go: (next: BrowseState) => void;
}) {
  const [found, setFound] = useState<Found | null>(null);
  const [problem, setProblem] = useState("");
  const viewport = useRef<HTMLDivElement>(null);
  const asked = JSON.stringify([topic.name, state]);
  useEffect(() => {
    let isLeft = false;
    setFound(null);
    find(topic, state).then((next) => {
      if (!isLeft) setFound(next), setProblem("");
    }, (error) => {
      if (!isLeft) setProblem(wordsOf(error));
    });
    return () => {
      isLeft = true;
    };
  }, [asked]);
  const { key, partition } = state;
  const title = key === ""
    ? `Records of ${topic.name}, partition ${partition}`
    : `Records of ${topic.name} with key ${inert(key)}, all partitions`;
  return h(
    "section",
    { class: "panel", "aria-label": "Records of the log" },
    h("h2", null, title),
    h(Controls, { key: asked, topic, state, go, next: found?.next.get(partition) }),
    problem !== "" && h("p", { role: "alert" }, problem),
    found === null
      ? problem === "" && h("p", { class: "empty" }, "Loading…")
      : found.records.length === 0
      ? h("p", { class: "empty" }, nothing(found, topic, state))
      : h(VirtualList<Placed>, {
        heads: headsOf(found.records, key !== ""),
        label: "Records of the log, in their order",
        items: found.records,
        keyOf: ({ partition, offset }) => `${partition}/${offset}`,
        viewport,
        look: zoneName() + key,
        row: (record) => rowOf(record, key !== "", hasKeys(found.records)),
        detail: (record) => h(Detail, { record, onKey: (key) => go({ ...state, key, at: "earliest" }) }),
      }),
  );
}

function nothing({ next }: Found, { partitions }: TopicInfo, { key, partition: shown }: BrowsedState): string {
  const filled = firstFilled(partitions);
  if (filled === null) return "No partition holds a record.";
  const of = partitions.find(({ partition }) => partition === shown);
  if (key === "" && of?.start === of?.end) return `Partition ${shown} holds no record; partition ${filled} does.`;
  const [first] = next;
  if (first === undefined) return "No record fits from there to the end.";
  const [partition, offset] = first;
  return key === ""
    ? `None up to offset ${offset}: go on from there.`
    : `None in what one search looks through: partition ${partition} up to offset ${offset}. Go on from an offset or a time.`;
}

function Controls({ topic, state, go, next }: {
  readonly topic: TopicInfo;
  readonly state: BrowsedState;
  readonly go: (next: BrowseState) => void;
  readonly next: number | undefined;
}) {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (!(event.currentTarget instanceof HTMLFormElement)) return;
    const given = new FormData(event.currentTarget);
    const text = (name: string) => String(given.get(name) ?? "");
    // A key is looked for from the beginning, unless somebody says from where.
    const at = text("at") === "" && text("key") !== "" ? "earliest" : text("at");
    go({ ...state, at, q: text("q"), key: text("key") });
  };
  return h("form", { class: "controls", onSubmit: submit }, [
    h(Choice, {
      label: "Partition",
      value: String(state.partition),
      options: topic.partitions.map(({ partition }) => [String(partition), `partition ${partition}`]),
      onChoice: (partition) => go({ ...state, partition: Number(partition), at: "", key: "" }),
    }),
    h("input", {
      name: "at",
      defaultValue: state.at,
      placeholder: "offset, earliest, latest or a time",
      "aria-label": "From: an offset, earliest, latest or a time",
    }),
    h("input", {
      name: "q",
      type: "search",
      defaultValue: state.q,
      placeholder: "key or value contains",
      "aria-label": "Text that key or value contains",
    }),
    h("input", {
      name: "key",
      type: "search",
      defaultValue: state.key,
      placeholder: "this very key",
      "aria-label": "Key, in all partitions",
    }),
    h("button", { type: "submit", class: "main" }, "Show"),
    next !== undefined && state.key === "" &&
    h("button", { type: "button", onClick: () => go({ ...state, at: String(next) }) }, `Next, from ${next}`),
    h("button", { type: "button", onClick: () => go({ ...state, at: "earliest" }) }, "First"),
    h("button", { type: "button", onClick: () => go({ ...state, at: "", key: "" }) }, "Newest"),
  ]);
}

/** Logs of most programs have none: the records get the room. */
const hasKeys = (records: readonly Placed[]): boolean => records.some(({ key }) => key !== null);

/** What is in the columns of a row. */
function headsOf(records: readonly Placed[], hasPartition: boolean) {
  return [
    h("span", null, "time"),
    h("span", { class: "offset" }, hasPartition ? "partition/offset" : "offset"),
    hasKeys(records) && h("span", { class: "service" }, "key"),
    h("span", null, "record"),
  ];
}

function rowOf({ timestamp, partition, offset, key, value }: Placed, hasPartition: boolean, hasKeys: boolean) {
  return [
    h("time", { dateTime: timestamp, title: timestamp }, momentOf(Date.parse(timestamp))),
    h("span", { class: "offset" }, hasPartition ? `${partition}/${offset}` : offset),
    hasKeys && h("bdi", { class: "service" }, key === null ? "–" : inert(key)),
    h("span", { class: "said" }, h("bdi", null, value === null ? "(no value)" : inert(value.slice(0, 2000)))),
  ];
}

function Detail({ record, onKey }: { readonly record: Placed; readonly onKey: (key: string) => void }) {
  const { timestamp, partition, offset, key, value, valueBytes } = record;
  return [
    h("p", null, [
      `${stampOf(Date.parse(timestamp))}, partition ${partition}, offset ${offset}, ${
        valueBytes.toLocaleString("en")
      } bytes, `,
      key === null
        ? "no key"
        : h("button", { type: "button", class: "link", onClick: () => onKey(key) }, `all of key ${inert(key)}`),
    ]),
    h("pre", { tabIndex: 0, "aria-label": "record as it lies in the log" }, h("bdi", null, inert(value ?? ""))),
  ];
}
