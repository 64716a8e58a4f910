/** Who owns which partitions, as members of a real consumer group come and go, and topics change. */
import { expect } from "expect";
import { KafkaMembership } from "../../core/log/kafka_membership.ts";
import { type KafkaLog, openKafkaLog } from "../../core/log/kafka.ts";
import type { OwnedPartition } from "../../core/log/membership.ts";
import { hasKafka, kafkaAccess } from "./kafka_for_tests.ts";

interface Member {
  readonly membership: KafkaMembership;
  readonly notices: string[];
  /** What it was told last. */
  owned: readonly OwnedPartition[];
}

interface Group {
  readonly log: KafkaLog;
  readonly prefix: string;
  /** A member, static where it is given a name. */
  join(instanceId?: string): Promise<Member>;
}

const namesOf = (owned: readonly OwnedPartition[]) =>
  owned.map(({ topic, partition }) => `${topic.name.split("-").pop()}/${partition}`).sort();

/** Waits until `isDone`, which a rebalance brings about in its own time. */
async function until(what: string, isDone: () => boolean | Promise<boolean>): Promise<void> {
  for (let waits = 0; !await isDone(); waits++) {
    if (waits === 600) throw new Error(`it never came to pass: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function test(claim: string, check: (group: Group) => Promise<void>): void {
  Deno.test({
    name: `kafka membership: ${claim}`,
    ignore: !hasKafka,
    async fn() {
      const prefix = `members-${crypto.randomUUID().slice(0, 8)}-`;
      const access = {
        ...kafkaAccess(),
        topics: [`${prefix}*`],
        groupId: `${prefix}group`,
        sessionTimeoutMs: 6_000,
        heartbeatIntervalMs: 300,
        rebalanceTimeoutMs: 6_000,
      };
      await using opened = new AsyncDisposableStack();
      const log = await openKafkaLog({ access, recordBytesMax: 1_000_000 });
      opened.defer(async () => {
        for (const { name } of await log.listTopics()) await log.deleteTopic(name);
        await log.close();
      });
      await check({
        log,
        prefix,
        async join(instanceId = "") {
          const notices: string[] = [];
          const member: Member = {
            membership: new KafkaMembership({ ...access, instanceId }, log, (text) => notices.push(text)),
            notices,
            owned: [],
          };
          opened.defer(() => member.membership.leave());
          await member.membership.start((owned) => {
            member.owned = owned;
            return Promise.resolve();
          });
          return member;
        },
      });
    },
  });
}

/** Every partition has one owner, and nobody has much more than another. */
function isShared(members: readonly Member[], partitions: number): boolean {
  const all = members.flatMap(({ owned }) => namesOf(owned));
  const sizes = members.map(({ owned }) => owned.length);
  return all.length === partitions && new Set(all).size === partitions && Math.max(...sizes) - Math.min(...sizes) <= 1;
}

test("partitions are shared out as members come, and taken over as they leave", async ({ log, prefix, join }) => {
  await log.createTopic(`${prefix}web`, { partitions: 6 });
  const first = await join();
  expect(namesOf(first.owned)).toEqual([0, 1, 2, 3, 4, 5].map((partition) => `web/${partition}`));
  const second = await join();
  await until("two have three each", () => isShared([first, second], 6));
  const kept = new Set(namesOf(first.owned));
  const third = await join();
  await until("three have two each", () => isShared([first, second, third], 6));
  // What one keeps it need not read anew.
  expect(namesOf(first.owned).filter((name) => kept.has(name))).toHaveLength(2);
  await second.membership.leave();
  expect(second.membership.status().state).toBe("left");
  await until("two have three each again", () => isShared([first, third], 6));
});

test("topics that are made, and partitions that are added, find an owner", async ({ log, prefix, join }) => {
  const member = await join();
  expect(member.owned).toEqual([]);
  await log.createTopic(`${prefix}web`, { partitions: 2 });
  await until("the topic is owned", () => isShared([member], 2));
  await log.control(
    "adding partitions",
    (admin) => admin.createPartitions({ topicPartitions: [{ topic: `${prefix}web`, count: 5 }] }),
  );
  await until("all five are owned", () => isShared([member], 5));
  expect(member.owned[0].topic.partitions).toBe(5);
});

test("a topic that is made again is owned under its new id", async ({ log, prefix, join }) => {
  const topic = await log.createTopic(`${prefix}web`, { partitions: 2 });
  const member = await join();
  expect(member.owned.map((owned) => owned.topic.id)).toEqual([topic.id, topic.id]);
  await log.deleteTopic(topic.name);
  const again = await log.createTopic(topic.name, { partitions: 2 });
  await until(
    "the new one is owned",
    () => isShared([member], 2) && member.owned.every((owned) => owned.topic.id === again.id),
  );
});

test("how far partitions are stored is told to Kafka, for those who ask for lag", async ({ log, prefix, join }) => {
  const topic = await log.createTopic(`${prefix}web`, { partitions: 2 });
  const member = await join();
  member.membership.reached(topic, 0, 41);
  member.membership.reached(topic, 0, 42);
  member.membership.reached(topic, 1, 7);
  const committed = async () => {
    const [found] = await log.control(
      "asking",
      (admin) => admin.fetchOffsets({ groupId: `${prefix}group`, topics: [topic.name] }),
    );
    return found.partitions.sort((a, b) => a.partition - b.partition).map(({ offset }) => offset);
  };
  await until("both are committed", async () => (await committed()).join() === "42,7");
  member.membership.reached(topic, 1, 8);
  await member.membership.leave(); // not without telling the rest
  expect(await committed()).toEqual(["42", "8"]);
});

test("a static member that comes back in time has its partitions again, and nobody notices", async ({ log, prefix, join }) => {
  await log.createTopic(`${prefix}web`, { partitions: 6 });
  const first = await join("one");
  const second = await join("two");
  await until("two have three each", () => isShared([first, second], 6));
  const [held, kept] = [namesOf(first.owned), namesOf(second.owned)];
  const changes = first.membership.status().changes;
  await second.membership.leave();
  const secondAgain = await join("two");
  expect(namesOf(secondAgain.owned)).toEqual(kept);
  // For as long as a member that had to share anew would have taken to hear of it.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(first.membership.status()).toMatchObject({ changes, state: "joined" });
  // Also the one that shares out for all.
  await first.membership.leave();
  const firstAgain = await join("one");
  await until("all have their own again", () => isShared([firstAgain, secondAgain], 6));
  expect([namesOf(firstAgain.owned), namesOf(secondAgain.owned)]).toEqual([held, kept]);
});

test("the partitions of a static member that stays away go to the others after its session", async ({ log, prefix, join }) => {
  await log.createTopic(`${prefix}web`, { partitions: 4 });
  const first = await join("one");
  const second = await join("two");
  await until("two have two each", () => isShared([first, second], 4));
  await second.membership.leave();
  await until("one has all", () => isShared([first], 4));
});
