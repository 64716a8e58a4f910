/** Membership of the one engine that works on a log: all partitions of all topics are its own. */
import { messageOf } from "../errors.ts";
import type { Membership, MembershipStatus, OwnershipChange } from "./membership.ts";
import type { PartitionedLog, Topic } from "./partitioned_log.ts";
import { RESULTS_PREFIX } from "./topic_patterns.ts";

const POLL_MS = 250;

/** Topics that hold the final minutes of others are for their readers. */
function withoutResults(topics: readonly Topic[]): readonly Topic[] {
  const names = new Set(topics.map(({ name }) => name));
  return topics.filter(({ name }) =>
    !(name.startsWith(RESULTS_PREFIX) && names.has(name.slice(RESULTS_PREFIX.length)))
  );
}

export class SoleMembership implements Membership {
  readonly #log: Pick<PartitionedLog, "listTopics">;
  readonly #onNotice: (text: string) => void;
  #known = "";
  #partitions = 0;
  #changes = 0;
  #state: MembershipStatus["state"] = "joining";
  #timer: ReturnType<typeof setInterval> | undefined;
  #looking: Promise<void> = Promise.resolve();

  constructor(log: Pick<PartitionedLog, "listTopics">, onNotice: (text: string) => void) {
    this.#log = log;
    this.#onNotice = onNotice;
  }

  async start(onChange: OwnershipChange): Promise<void> {
    await this.#look(onChange);
    this.#state = "joined";
    let isLooking = false;
    this.#timer = setInterval(() => {
      if (isLooking) return;
      isLooking = true;
      this.#looking = this.#look(onChange)
        .catch((error) => this.#onNotice(`error: topics could not be listed: ${messageOf(error)}`))
        .finally(() => isLooking = false);
    }, POLL_MS);
  }

  async #look(onChange: OwnershipChange): Promise<void> {
    const topics = withoutResults(await this.#log.listTopics());
    const known = topics.map(({ id, partitions }: Topic) => `${id}/${partitions}`).join();
    if (known === this.#known && this.#changes > 0) return;
    const owned = topics.flatMap((topic) =>
      Array.from({ length: topic.partitions }, (_, partition) => ({ topic, partition }))
    );
    await onChange(owned);
    this.#known = known;
    this.#partitions = owned.length;
    this.#changes++;
  }

  reached(): void {
    // Nobody else asks.
  }

  status(): MembershipStatus {
    return { group: null, state: this.#state, partitions: this.#partitions, changes: this.#changes };
  }

  async leave(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
    this.#state = "left";
  }
}
