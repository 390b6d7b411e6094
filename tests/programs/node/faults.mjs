// What goes wrong on purpose, as ioredis meets it; the test has made a rule for each of these keys.
import assert from "node:assert/strict";
import Redis from "ioredis";

const open = [];
function connect(options = {}) {
  const redis = new Redis(process.argv[2], { retryStrategy: () => 5, ...options });
  redis.on("error", () => {});
  open.push(redis);
  return redis;
}

// The first two connections are refused; it tries again by itself.
const redis = connect();
assert.equal(await redis.set("a", "1"), "OK");

for (const code of ["LOADING", "READONLY", "OOM", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "NOAUTH", "MOVED", "ASK", "CUSTOM"])
  await assert.rejects(redis.get(`error:${code}`), new RegExp(`^ReplyError: ${code} `));

// A connection that breaks once: before the command took effect, after that, in the middle of the reply.
assert.equal(await redis.incr("dropped before"), 1);
assert.equal(await redis.incr("dropped after"), 2);
assert.equal(await redis.set("partial", "0123456789"), "OK");
assert.equal(await redis.get("partial"), "0123456789");

const impatient = connect({ maxRetriesPerRequest: 0 });
await assert.rejects(impatient.get("dropped always"), /Connection is closed|max retries|ECONNRESET/);

await assert.rejects(connect({ commandTimeout: 50 }).get("silence"), /Command timed out/);

const began = performance.now();
assert.equal(await redis.get("slow"), null);
assert.ok(performance.now() - began >= 45);

assert.equal(await redis.get("delegated"), "from elsewhere");

for (const each of open) each.disconnect();
console.log("ok");
