import { expect } from "expect";
import { RunningTasks, type Task } from "./running_tasks.ts";

/** Ends when it is told to, some time later, as tasks do that wait for the store. */
class LingeringTask implements Task {
  #end = () => {};
  readonly told: string[] = [];

  run(): Promise<void> {
    return new Promise((resolve) => this.#end = resolve);
  }

  stop(): void {
    this.#tell("stop");
  }

  forget(): void {
    this.#tell("forget");
  }

  #tell(what: string): void {
    this.told.push(what);
    setTimeout(this.#end, 0);
  }
}

Deno.test("what is kept for a topic goes with its last task, however its partitions were taken away", async () => {
  const left: string[] = [];
  const tasks = new RunningTasks((topicId) => left.push(topicId));
  for (const partition of [0, 1]) {
    tasks.start({ topicId: "a", partition }, new LingeringTask());
    tasks.start({ topicId: "a", partition }, new LingeringTask()); // its archive's
    tasks.start({ topicId: "b", partition }, new LingeringTask());
  }
  await tasks.release("a", 0);
  expect({ left, size: tasks.size }).toEqual({ left: [], size: 4 });
  await tasks.release("a", 1);
  expect({ left, size: tasks.size }).toEqual({ left: ["a"], size: 2 });
  await tasks.release("b", null);
  expect({ left, size: tasks.size }).toEqual({ left: ["a", "b"], size: 0 });
  await tasks.release("b", 0); // nothing to do
});

Deno.test("a partition that comes back is a new task, and those that stay are left alone", async () => {
  const left: string[] = [];
  const tasks = new RunningTasks((topicId) => left.push(topicId));
  const [first, again, other] = [new LingeringTask(), new LingeringTask(), new LingeringTask()];
  tasks.start({ topicId: "a", partition: 0 }, first);
  tasks.start({ topicId: "a", partition: 1 }, other);
  const released = tasks.release("a", 0);
  tasks.start({ topicId: "a", partition: 0 }, again);
  await released;
  expect([first.told, again.told, other.told, left, tasks.size]).toEqual([["forget"], [], [], [], 2]);
  await tasks.stop();
  expect([again.told, other.told, left, tasks.size]).toEqual([["stop"], ["stop"], ["a"], 0]);
});
