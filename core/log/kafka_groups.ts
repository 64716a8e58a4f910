/** Consumer groups of a Kafka topic, asked of the control plane: how far each has committed, and who reads what. */
import type { Buffer } from "node:buffer";
import { type Admin, AssignerProtocol } from "kafkajs";
import type { ConsumerGroup, Topic } from "./partitioned_log.ts";

/** Groups that are asked for at once. */
const AT_ONCE = 8;
/** A cluster may have thousands: each is a question to it. */
const GROUPS_MAX = 500;
const NOT_COMMITTED = -1;

/** The groups that have committed offsets of the topic, or read it at the moment, by name. */
export async function consumerGroupsOf(admin: Admin, topic: Topic): Promise<ConsumerGroup[]> {
  const { groups } = await admin.listGroups();
  const names = groups.filter(({ protocolType }) => protocolType === "consumer" || protocolType === "")
    .map(({ groupId }) => groupId).sort().slice(0, GROUPS_MAX);
  const found: ConsumerGroup[] = [];
  for (let at = 0; at < names.length; at += AT_ONCE) {
    const asked = names.slice(at, at + AT_ONCE).map((name) => groupOf(admin, topic, name));
    found.push(...(await Promise.all(asked)).flatMap((group) => group ?? []));
  }
  return found;
}

/** Null where the group has nothing to do with the topic, or is gone. */
async function groupOf(admin: Admin, topic: Topic, name: string): Promise<ConsumerGroup | null> {
  try {
    const [[offsets], { groups: [described] }] = await Promise.all([
      admin.fetchOffsets({ groupId: name, topics: [topic.name] }),
      admin.describeGroups([name]),
    ]);
    const readers = new Map<number, string>();
    for (const { clientId, clientHost, memberAssignment } of described.members) {
      for (const partition of assignedOf(memberAssignment, topic.name)) readers.set(partition, clientId + clientHost);
    }
    const partitions = offsets.partitions.map(({ partition, offset }) => ({
      partition,
      offset: Number(offset) === NOT_COMMITTED ? null : Number(offset),
      member: readers.get(partition) ?? null,
    })).filter(({ partition, offset, member }) => partition < topic.partitions && (offset !== null || member !== null))
      .sort((a, b) => a.partition - b.partition);
    if (partitions.length === 0) return null;
    return { name, state: described.state.toLowerCase(), members: described.members.length, partitions };
  } catch (error) {
    // Deleted meanwhile, or of the newer protocol, whose members this client cannot read.
    if (error instanceof Error && /group|protocol/i.test(error.message)) return null;
    throw error;
  }
}

function assignedOf(assignment: Buffer, topic: string): readonly number[] {
  if (assignment.length === 0) return []; // it is joining
  return AssignerProtocol.MemberAssignment.decode(assignment)?.assignment[topic] ?? [];
}
