/** A directory is its owner's while it lives, whoever else makes or removes some beside it. */
import { expect } from "expect";
import { OwnedDirectory } from "./owned_directory.ts";

async function withParent(check: (parent: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "millrace-owned-" });
  try {
    await check(`${directory}/made/here`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function namesIn(parent: string): string[] {
  return [...Deno.readDirSync(parent)].map(({ name }) => name).sort();
}

/** Leaves what a killed owner does: nobody holds the lock any more. */
async function leaveOrphan(parent: string): Promise<void> {
  const { path, lock } = await OwnedDirectory.make(parent);
  await Deno.writeTextFile(`${path}/file`, "");
  lock.close();
}

/** Does something whenever a new lock file is about to be locked. */
async function beforeLocking(task: () => Promise<void>, check: () => Promise<void>): Promise<void> {
  const { lock } = Deno.FsFile.prototype;
  Deno.FsFile.prototype.lock = async function (isExclusive) {
    await task();
    await lock.call(this, isExclusive);
  };
  try {
    await check();
  } finally {
    Deno.FsFile.prototype.lock = lock;
  }
}

Deno.test("a lock that another owner takes for an orphan's, before it is locked, costs nobody a directory", async () => {
  await withParent(async (parent) => {
    let races = 0;
    const race = async () => {
      if (++races === 1) await (await OwnedDirectory.make(parent))[Symbol.asyncDispose]();
    };
    await beforeLocking(race, async () => {
      await using raced = await OwnedDirectory.make(parent);
      expect(races).toBe(3); // the first one, the other owner's, and the first one's second try
      await using _later = await OwnedDirectory.make(parent);
      await Deno.writeTextFile(`${raced.path}/file`, ""); // is there, and stays
      expect(namesIn(parent).length).toBe(4);
    });
    expect(namesIn(parent)).toEqual([]);
  });
});

Deno.test("owners that come and go at once each keep their directory until they let it go", async () => {
  await withParent(async (parent) => {
    const live = async (number: number) => {
      await using owned = await OwnedDirectory.make(parent);
      await Deno.writeTextFile(`${owned.path}/file`, String(number));
      for (let times = 0; times < number % 3; times++) await live(number - 1 - times);
      expect(await Deno.readTextFile(`${owned.path}/file`)).toBe(String(number));
    };
    await Promise.all(Array.from({ length: 24 }, (_, number) => live(number)));
    await leaveOrphan(parent); // removes what they have left, should two have met
    const { lock } = await OwnedDirectory.make(parent);
    expect(namesIn(parent).length).toBe(2);
    lock.close();
  });
});

Deno.test("what a dead owner left is removed, wherever it died, and nothing else is", async () => {
  await withParent(async (parent) => {
    await leaveOrphan(parent);
    const [directory, lock] = namesIn(parent);
    expect(lock).toBe(`${directory}.lock`);
    await Deno.mkdir(`${parent}/${crypto.randomUUID()}/deep`, { recursive: true }); // its lock file was the first to go
    await Deno.writeTextFile(`${parent}/${crypto.randomUUID()}.lock`, ""); // it never came to a directory
    const others = ["lock", "mine", "mine.lock", `${directory}.txt`];
    for (const name of others) await Deno.writeTextFile(`${parent}/${name}`, "");
    const owned = await OwnedDirectory.make(parent);
    expect(namesIn(parent).length).toBe(others.length + 2);
    await owned[Symbol.asyncDispose]();
    expect(namesIn(parent)).toEqual(others.sort());
  });
});

Deno.test("where no directory can be made, the error names the place", async () => {
  await withParent(async (parent) => {
    await Deno.mkdir(parent, { recursive: true });
    await Deno.writeTextFile(`${parent}/file`, "");
    await expect(OwnedDirectory.make(`${parent}/file`)).rejects.toMatchObject({
      code: "FILE_UNAVAILABLE",
      message: expect.stringContaining(`${parent}/file`),
    });
  });
});
