/** Consumer groups of a real Kafka: what is told of them against what another client committed. */
import { expect } from "expect";
import { eventually } from "../faults/dev_process.ts";
import { kafkaTest, otherClient } from "./kafka_for_tests.ts";

kafkaTest(
  "a topic's consumer groups are told with what they committed and who reads",
  { partitions: 3 },
  async (parts) => {
    const { log, topic, opened, access } = parts;
    const kafka = otherClient();
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({
      topic: topic.name,
      messages: Array.from({ length: 30 }, (_, i) => ({ partition: i % 3, value: `${i}` })),
    });
    await producer.disconnect();
    expect(await log.consumerGroups(topic)).toEqual([]);

    // One that is gone, and has left what it committed.
    const admin = kafka.admin();
    await admin.connect();
    opened.defer(() => admin.disconnect());
    const idle = `${access.groupId}-idle`;
    await admin.setOffsets({ groupId: idle, topic: topic.name, partitions: [{ partition: 1, offset: "4" }] });
    // One that reads.
    const reading = `${access.groupId}-reading`;
    const consumer = kafka.consumer({ groupId: reading });
    await consumer.connect();
    opened.defer(() => consumer.disconnect());
    await consumer.subscribe({ topic: topic.name, fromBeginning: true });
    await consumer.run({ autoCommitThreshold: 1, eachMessage: () => Promise.resolve() });
    const committed = async () => {
      const [{ partitions }] = await admin.fetchOffsets({ groupId: reading, topics: [topic.name] });
      return partitions.map(({ offset }) => Number(offset));
    };
    await eventually("all is committed", async () => (await committed()).join() === "10,10,10");

    const groups = await log.consumerGroups(topic);
    expect(groups.map(({ name }) => name)).toEqual([idle, reading]);
    expect(groups[0]).toMatchObject({
      state: "empty",
      members: 0,
      partitions: [{ partition: 1, offset: 4, member: null }],
    });
    expect(groups[1]).toMatchObject({
      state: "stable",
      members: 1,
      partitions: [0, 1, 2].map((partition) => ({
        partition,
        offset: 10,
        member: expect.stringContaining("independent"),
      })),
    });
  },
);
