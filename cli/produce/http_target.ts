/** A gateway as a target of `produce`. */
import { createRemoteTopic, deleteRemoteTopic, findRemoteTopic } from "../gateway_client.ts";
import { type Asked, refuseChange } from "./asked.ts";
import { HttpSink } from "./http_sink.ts";
import type { RecordSink } from "./sink.ts";

export interface HttpTargetOptions {
  readonly url: string;
  readonly topic: string;
  readonly asked: Asked;
  readonly isReset: boolean;
  readonly bodyBytesMax: number;
}

/** Finds or makes the topic there. Throws UNREACHABLE, REFUSED, or INVALID_INPUT where it is not as asked. */
export async function openHttpTarget(options: HttpTargetOptions): Promise<RecordSink> {
  const { url, topic, asked, isReset, bodyBytesMax } = options;
  const existing = await findRemoteTopic(url, topic);
  if (existing !== null && !isReset) {
    refuseChange(topic, asked, existing);
    return new HttpSink({ url, topic, partitions: existing.partitions, bodyBytesMax });
  }
  if (existing !== null) await deleteRemoteTopic(url, topic);
  const { partitions } = await createRemoteTopic(url, topic, {
    partitions: asked.partitions ?? existing?.partitions,
    format: asked.format,
  });
  return new HttpSink({ url, topic, partitions, bodyBytesMax });
}
