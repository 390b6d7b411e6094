// A program written with the npm client `ioredis`: pipelines, transactions, blocking, pub/sub with patterns, streams of keys.
import assert from "node:assert/strict";
import Redis from "ioredis";

const redis = new Redis(process.argv[2]);
await redis.flushall();

assert.equal(await redis.set("name", "ada", "PX", 60000, "NX"), "OK");
assert.equal(await redis.set("name", "eve", "NX"), null);
assert.equal(await redis.get("name"), "ada");

const results = await redis.pipeline().set("a", "1").incr("a").lpush("name", "x").get("a").exec();
assert.deepEqual([results[0][1], results[1][1], results[3][1]], ["OK", 2, "2"]);
assert.match(results[2][0].message, /WRONGTYPE/);

assert.deepEqual(await redis.multi().rpush("l", "a", "b", "c").lrange("l", 0, -1).exec(), [[null, 3], [null, ["a", "b", "c"]]]);

await redis.hset("h", { one: 1, two: 2 });
assert.deepEqual(await redis.hgetall("h"), { one: "1", two: "2" });
assert.deepEqual(await redis.zadd("z", 1.5, "m"), 1);
assert.equal(await redis.zscore("z", "m"), "1.5");
assert.deepEqual((await redis.getBuffer("name")).toString(), "ada");

const blocked = redis.duplicate();
const popped = blocked.brpop("queue", 5);
await redis.lpush("queue", "job");
assert.deepEqual(await popped, ["queue", "job"]);

const subscriber = redis.duplicate();
await subscriber.psubscribe("news.*");
const heard = new Promise((resolve) => subscriber.on("pmessage", (...message) => resolve(message)));
assert.equal(await redis.publish("news.sport", "goal"), 1);
assert.deepEqual(await heard, ["news.*", "news.sport", "goal"]);

await redis.mset(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`key:${i}`, i])));
let count = 0;
for await (const keys of redis.scanStream({ match: "key:*", count: 30 })) count += keys.length;
assert.equal(count, 300);

for (const each of [redis, blocked, subscriber]) await each.quit();
console.log("ok");
