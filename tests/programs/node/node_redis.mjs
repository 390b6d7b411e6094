// A program written with the npm client `redis`: strings, hashes, sorted sets, MULTI, WATCH, blocking, pub/sub, scanning.
import assert from "node:assert/strict";
import { createClient } from "redis";

for (const RESP of [2, 3]) {
  const client = createClient({ url: process.argv[2], RESP });
  client.on("error", (error) => { throw error; });
  await client.connect();
  await client.flushAll();

  assert.equal(await client.set("name", "ada", { EX: 60 }), "OK");
  assert.equal(await client.get("name"), "ada");
  assert.ok((await client.ttl("name")) > 50);
  assert.equal(await client.get("missing"), null);

  await client.hSet("user", { name: "bob", level: "7" });
  assert.deepEqual({ ...(await client.hGetAll("user")) }, { name: "bob", level: "7" });

  await client.zAdd("scores", [{ value: "ada", score: 3.5 }, { value: "bob", score: 1 }]);
  assert.deepEqual(await client.zRangeWithScores("scores", 0, -1), [
    { value: "bob", score: 1 },
    { value: "ada", score: 3.5 },
  ]);

  assert.deepEqual(await client.multi().incr("n").incrBy("n", 5).get("n").exec(), [1, 6, "6"]);

  await assert.rejects(client.lPush("name", "x"), /WRONGTYPE/);

  const other = client.duplicate();
  await other.connect();
  const popped = client.blPop("queue", 5);
  await other.rPush("queue", "job");
  assert.deepEqual({ ...(await popped) }, { key: "queue", element: "job" });

  const subscriber = client.duplicate();
  await subscriber.connect();
  const heard = new Promise((resolve) => subscriber.subscribe("news", (text, channel) => resolve([channel, text])));
  while ((await client.publish("news", "hello")) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(await heard, ["news", "hello"]);

  await client.mSet(Array.from({ length: 250 }, (_, i) => [`key:${i}`, `${i}`]));
  const seen = new Set();
  for await (const keys of client.scanIterator({ MATCH: "key:*", COUNT: 20 })) for (const key of keys) seen.add(key);
  assert.equal(seen.size, 250);

  const big = "x".repeat(8_000_000);
  await client.set("big", big);
  assert.equal((await client.get("big")).length, big.length);

  for (const each of [subscriber, other, client]) each.destroy();
}
console.log("ok");
