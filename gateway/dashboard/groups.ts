/** Who reads a topic, and how far behind each is: the store, and Kafka's consumer groups. */
import { h } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask, type Groups, groupsAnswer, type TopicInfo, wordsOf } from "./api.ts";
import { inert } from "./inert.ts";
import { compact } from "./parts.ts";
import { Sparkline } from "./sparkline.ts";

/** Points of a trend that are kept. */
const TREND_MAX = 90;

export function ConsumerGroups({ topic, atMs }: {
  readonly topic: TopicInfo;
  /** When the topics were asked for last: these are, too. */
  readonly atMs: number;
}) {
  const [groups, setGroups] = useState<Groups | null>(null);
  const [trends, setTrends] = useState<ReadonlyMap<string, readonly number[]>>(new Map());
  const [problem, setProblem] = useState("");
  const { name } = topic;
  useEffect(() => {
    setGroups(null);
    setTrends(new Map());
  }, [name]);
  useEffect(() => {
    let isLeft = false;
    ask(`/api/v1/topics/${name}/groups`, groupsAnswer).then(({ groups }) => {
      if (isLeft) return;
      setGroups(groups);
      setTrends((before) =>
        new Map(groups.map(({ name, lagSeconds }) => [
          name,
          [...before.get(name) ?? [], lagSeconds].slice(-TREND_MAX),
        ]))
      );
      setProblem("");
    }, (error) => {
      if (!isLeft) setProblem(wordsOf(error));
    });
    return () => {
      isLeft = true;
    };
  }, [name, atMs]);
  const heads = ["reader", "state", "lag", "lag, s", "trend"];
  return h(
    "section",
    { class: "panel span-3" },
    h("h2", null, `Readers of ${name}`),
    problem !== "" && h("p", { role: "alert" }, problem),
    groups === null ? problem === "" && h("p", { class: "empty" }, "Loading…") : [
      h("div", { class: "wide-table", tabIndex: 0, role: "region", "aria-label": `Readers of ${name}` }, [
        h(
          "table",
          null,
          h("thead", null, h("tr", null, heads.map((head) => h("th", { scope: "col" }, head)))),
          h(
            "tbody",
            null,
            groups.map((group) => h(Group, { key: group.name, group, trend: trends.get(group.name) ?? [] })),
          ),
        ),
      ]),
      groups.length === 1 &&
      h("p", { class: "soft" }, "No consumer group reads it; on Kafka those that commit offsets are here as well."),
    ],
  );
}

function Group({ group, trend }: { readonly group: Groups[number]; readonly trend: readonly number[] }) {
  const { name, kind, state, members, lagRecords, lagSeconds, partitions } = group;
  const readers = new Set(partitions.flatMap(({ member }) => member ?? []));
  const said = kind === "store" ? "by its frontier" : `${state}, ${members ?? 0} members`;
  return h("tr", null, [
    h("th", { scope: "row" }, [
      h("bdi", null, inert(name)),
      readers.size > 0 && h("div", { class: "soft" }, [...readers].map(inert).join(", ")),
    ]),
    h("td", null, said),
    h("td", null, compact.format(lagRecords)),
    h("td", null, lagSeconds.toFixed(1)),
    h(
      "td",
      { class: "drawn" },
      h(Sparkline, { values: trend, label: `lag of ${inert(name)} in seconds`, colour: "--second" }),
    ),
  ]);
}
