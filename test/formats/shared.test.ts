/** Shared bytes where only a thread's own are taken. */
import { expect, test } from "vitest";
import { createOwner, isShared } from "../../core/bytes/shared.ts";

test("what is a thread's own stays where it is, what is shared is copied into the same memory each time", () => {
  const owned = createOwner();
  const own = Uint8Array.of(1, 2, 3);
  expect(owned(own)).toBe(own);
  const shared = new Uint8Array(new SharedArrayBuffer(100)) as unknown as Uint8Array<ArrayBuffer>;
  shared.set([4, 5, 6], 50);
  expect(isShared(shared)).toBe(true);
  const first = owned(shared);
  expect(isShared(first)).toBe(false);
  expect([...first]).toEqual([...shared]);
  const part = owned(shared.subarray(50, 53));
  expect([...part]).toEqual([4, 5, 6]);
  expect(part.buffer).toBe(first.buffer);
});
