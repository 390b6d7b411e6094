// BullMQ: jobs that are delayed, retried, repeated, prioritized, deduplicated, limited and stalled, in flows, with their events.
import assert from "node:assert/strict";
import { once } from "node:events";
import {
  DelayedError, FlowProducer, Queue, QueueEvents, RateLimitError, UnrecoverableError, WaitingChildrenError, Worker,
} from "bullmq";
import { Redis } from "ioredis";

const url = new URL(process.argv[2]);
const connection = { host: url.hostname, port: Number(url.port), maxRetriesPerRequest: null };
const open = [];
const opened = (each) => (open.push(each), each);
const queue = opened(new Queue("jobs", { connection }));
const events = opened(new QueueEvents("jobs", { connection }));
queue.setMaxListeners(0);
await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);

const processed = [];
async function work(job) {
  processed.push(job.name);
  if (job.name === "fail") throw new UnrecoverableError("no");
  if (job.name === "fail once" && job.attemptsMade === 0) throw new Error("the first attempt");
  if (job.name === "total") return Object.values(await job.getChildrenValues()).reduce((sum, each) => sum + each, 0);
  if (job.name === "tell") {
    await job.updateProgress({ done: 50 });
    await job.log("half way");
  }
  return job.data.a + job.data.b;
}

// What waits: in the order of priorities, a delay, the same job only once.
const added = await queue.addBulk(Array.from({ length: 20 }, (_, i) => ({ name: "add", data: { a: i, b: i } })));
const later = await queue.add("low", { a: 1, b: 1 }, { priority: 10 });
const sooner = await queue.add("high", { a: 1, b: 1 }, { priority: 1 });
const delayed = await queue.add("delayed", { a: 1, b: 2 }, { delay: 100 });
const promoted = await queue.add("promoted", { a: 1, b: 2 }, { delay: 600_000 });
const removed = await queue.add("removed", { a: 1, b: 2 }, { delay: 600_000 });
const only = await queue.add("only", { a: 1, b: 2 }, { deduplication: { id: "only" } });
assert.equal((await queue.add("only", { a: 3, b: 4 }, { deduplication: { id: "only" } })).id, only.id);
await queue.add("unique", { a: 1, b: 2 }, { jobId: "unique" });
await queue.add("unique", { a: 3, b: 4 }, { jobId: "unique" });
assert.deepEqual(await queue.getJobCounts("wait", "prioritized", "delayed"), { wait: 22, prioritized: 2, delayed: 3 });
await promoted.promote();
await removed.remove();
assert.deepEqual(await queue.getCountsPerPriority([1, 10]), { 1: 1, 10: 1 });
assert.equal(await later.getState(), "prioritized");
await queue.pause();
assert.equal(await queue.isPaused(), true);
await queue.resume();

const failed = await queue.add("fail", {}, { attempts: 3 });
const retried = await queue.add("fail once", { a: 2, b: 3 }, { attempts: 2, backoff: { type: "exponential", delay: 10 } });
const told = await queue.add("tell", { a: 1, b: 1 });
const progress = once(events, "progress");
const worker = opened(new Worker("jobs", work, { connection, concurrency: 4 }));
const results = await Promise.all(added.map((job) => job.waitUntilFinished(events, 20_000)));
assert.deepEqual(results, added.map((_, i) => 2 * i));
await assert.rejects(failed.waitUntilFinished(events, 20_000), /no/);
for (const [job, result] of [[retried, 5], [delayed, 3], [promoted, 3], [sooner, 2], [later, 2], [told, 2]])
  assert.equal(await job.waitUntilFinished(events, 20_000), result);
assert.deepEqual((await progress)[0].data, { done: 50 });
assert.deepEqual((await queue.getJobLogs(told.id)).logs, ["half way"]);
assert.equal(processed.filter((name) => name === "fail").length, 1);
assert.equal(processed.filter((name) => name === "fail once").length, 2);
assert.deepEqual((await queue.getFailed()).map((job) => [job.id, job.failedReason]), [[failed.id, "no"]]);
assert.equal((await queue.getJob("unique")).returnvalue, 3);

// A flow: the parent waits for its children, which are in another queue.
const flows = opened(new FlowProducer({ connection }));
const other = opened(new Worker("others", async (job) => job.data.n * 10, { connection }));
const flow = await flows.add({
  name: "total", queueName: "jobs", data: {},
  children: [1, 2, 3].map((n) => ({ name: "child", queueName: "others", data: { n } })),
});
assert.equal(await flow.job.waitUntilFinished(events, 20_000), 60);
assert.deepEqual(Object.values((await flow.job.getDependencies()).processed).sort(), [10, 20, 30]);

// Repeated jobs.
const repeated = new Promise((resolve) => {
  let count = 0;
  worker.on("completed", (job) => job.name === "tick" && ++count === 3 && resolve());
});
await queue.upsertJobScheduler("ticks", { every: 50 }, { name: "tick", data: { a: 0, b: 0 } });
await repeated;
assert.equal((await queue.getJobSchedulers())[0].every, 50);
assert.equal(await queue.removeJobScheduler("ticks"), true);

// Rate limits: two a window, and one that the worker sets itself.
const limited = opened(new Queue("limited", { connection }));
const ends = [];
let limits = 0;
const slow = opened(new Worker("limited", async () => {
  if (ends.length === 0 && limits++ === 0) {
    await slow.rateLimit(50);
    throw new RateLimitError();
  }
  ends.push(Date.now());
}, { connection, limiter: { max: 2, duration: 100 } }));
const finished = new Promise((resolve) => slow.on("completed", () => ends.length === 5 && resolve()));
await limited.addBulk(Array.from({ length: 5 }, () => ({ name: "slow", data: {} })));
await finished;
assert.ok(ends[4] - ends[0] >= 100);

// A job whose worker died: it stalls, and the next worker takes it.
const stalling = opened(new Queue("stalling", { connection }));
const client = new Redis(connection);
const stalled = await stalling.add("stalled", {});
const dead = new Worker("stalling", null, { connection, lockDuration: 20, skipLockRenewal: true });
assert.equal((await dead.getNextJob("token")).id, stalled.id);
await dead.close(true);
await client.del(`bull:stalling:${stalled.id}:lock`);
const next = opened(new Worker("stalling", async () => "done", { connection, stalledInterval: 20 }));
assert.equal((await once(next, "completed"))[1], "done");

// What stays: the last jobs that completed, a parent whose child failed; and who works here.
const kept = opened(new Queue("kept", { connection, defaultJobOptions: { removeOnComplete: { count: 2 } } }));
const order = [];
const keeper = opened(new Worker("kept", async (job) => { order.push(job.name); }, { connection, autorun: false }));
await kept.add("a", {});
await kept.add("b", {});
await kept.add("c", {}, { lifo: true });
await kept.setGlobalConcurrency(1);
const emptied = once(keeper, "drained");
keeper.run();
await emptied;
while (order.length < 3) await once(keeper, "completed");
assert.deepEqual(order, ["c", "a", "b"]);
while ((await kept.getCompletedCount()) !== 2) await new Promise((resolve) => setTimeout(resolve, 5));
assert.equal((await kept.getWorkers()).length, 1);
assert.equal(await kept.getGlobalConcurrency(), 1);

const failing = await flows.add({
  name: "total", queueName: "jobs", data: {},
  children: [{ name: "fail", queueName: "jobs", data: {}, opts: { failParentOnFailure: true } }],
});
await assert.rejects(failing.job.waitUntilFinished(events, 20_000), /failed/);

// A job that moves itself into the future, and one that waits for the children that it makes.
const moving = opened(new Queue("moving", { connection }));
const movingEvents = opened(new QueueEvents("moving", { connection }));
await movingEvents.waitUntilReady();
let moves = 0;
opened(new Worker("moving", async (job, token) => {
  if (job.name === "child") return job.data.n;
  if (job.name === "shy") {
    if (moves++ > 0) return moves;
    await job.moveToDelayed(Date.now() + 30, token);
    throw new DelayedError();
  }
  if (!job.data.added) {
    const parent = { id: job.id, queue: job.queueQualifiedName };
    await moving.addBulk([1, 2].map((n) => ({ name: "child", data: { n }, opts: { parent } })));
    await job.updateData({ added: true });
  }
  if (await job.moveToWaitingChildren(token)) throw new WaitingChildrenError();
  return Object.values(await job.getChildrenValues()).reduce((sum, each) => sum + each, 0);
}, { connection }));
const shy = await moving.add("shy", {});
const mother = await moving.add("mother", {});
assert.equal(await shy.waitUntilFinished(movingEvents, 20_000), 2);
assert.equal(await mother.waitUntilFinished(movingEvents, 20_000), 3);

// A job repeated by a pattern, whose next moment is known.
await moving.upsertJobScheduler("midnight", { pattern: "0 0 * * *", tz: "UTC" }, { name: "tick" });
const [midnight] = await moving.getJobSchedulers();
assert.equal(midnight.next % 86_400_000, 0);
assert.equal(await moving.removeJobScheduler("midnight"), true);

// At the end.
await queue.retryJobs({ count: 10 });
await Promise.all(open.filter((each) => each instanceof Worker).map((each) => each.close()));
assert.ok((await queue.clean(0, 100, "completed")).length > 20);
assert.equal(await queue.getCompletedCount(), 0);
await queue.drain(true);
for (const each of [queue, limited, stalling, kept, moving]) await each.obliterate({ force: true });
await new Queue("others", { connection }).obliterate({ force: true }).catch(() => {});
assert.deepEqual((await client.keys("bull:jobs:*")).sort(), []);
await Promise.all(open.filter((each) => !(each instanceof Worker)).map((each) => each.close()));
await client.quit();
console.log("ok");
process.exit(0);
