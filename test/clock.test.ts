/** Time told apart: what went on side by side, what alone, and when nothing did. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createClock } from "../core/clock.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

const at = (milliseconds: number) => vi.advanceTimersByTime(milliseconds - performance.now());

test("overlapping work counts once, lonely work is told apart", () => {
  const clock = createClock();
  at(1000);
  const read = clock.begin("read", 500);
  at(1500);
  const again = clock.begin("read", 250);
  at(2000);
  read();
  clock.add("compute", { from: 1800, to: 2400 });
  at(3000);
  again();
  at(4000);
  const { seconds, between, activities } = clock.report();
  expect(seconds).toBeCloseTo(4);
  expect(between).toBeCloseTo(2);
  expect(activities.map(({ activity }) => activity)).toEqual(["read", "compute"]);
  const [reading, computing] = activities;
  expect(reading).toMatchObject({ times: 2, bytes: 750 });
  expect(reading?.seconds).toBeCloseTo(2);
  expect(reading?.total).toBeCloseTo(2.5);
  expect(reading?.alone).toBeCloseTo(1.4);
  expect(computing?.seconds).toBeCloseTo(0.6);
  expect(computing?.alone).toBeCloseTo(0);
});

test("kernels are a part of computing: they neither fill gaps nor make it less alone", () => {
  const clock = createClock();
  clock.add("compute", { from: 100, to: 400 });
  clock.add("kernel", { from: 350, to: 900 });
  at(1000);
  const { between, activities } = clock.report();
  expect(activities.map(({ alone }) => alone)).toEqual([0.3, 0].map((value) => expect.closeTo(value)));
  expect(activities[1]?.seconds).toBeCloseTo(0.55);
  expect(between).toBeCloseTo(0.7);
});

test("sweeps add up over tensors; without work there is only time between", () => {
  const clock = createClock();
  clock.sweep(1, 1000, 5);
  clock.sweep(1, 3000, 7);
  at(2000);
  expect(clock.report()).toEqual({
    seconds: 2,
    between: 2,
    activities: [],
    sweeps: [{ sweep: 1, elements: 4000, seconds: 0.012 }],
  });
});

test("a pause is no time, but for the work that went on in it", () => {
  const clock = createClock();
  clock.add("read", { from: 0, to: 1200 });
  at(1000);
  const go = clock.rest();
  at(5000);
  go();
  clock.add("compute", { from: 5500, to: 6000 });
  at(7000);
  const { seconds, between, activities } = clock.report();
  expect(seconds).toBeCloseTo(3.2);
  expect(between).toBeCloseTo(1.5);
  expect(activities.map(({ alone }) => alone)).toEqual([1.2, 0.5].map((value) => expect.closeTo(value)));
});

test("a long run is added up on the way, with the same report", () => {
  const clock = createClock();
  const long = clock.begin("write");
  // Every 10 ms: 2 of reading, 4 of both, 2 of computing, 2 of nothing; writing goes on beside the first 5,000.
  for (let tile = 0; tile < 20_000; tile++) {
    at(10 * tile);
    const read = clock.begin("read", 5);
    at(10 * tile + 6);
    read();
    at(10 * tile + 8);
    clock.add("compute", { from: 10 * tile + 2, to: 10 * tile + 8 });
    if (tile === 4999) long();
  }
  at(200_000);
  const { between, activities } = clock.report();
  const [read, compute, write] = activities;
  expect(read).toMatchObject({
    times: 20_000,
    bytes: 100_000,
    total: expect.closeTo(120),
    seconds: expect.closeTo(120),
  });
  expect(read?.alone).toBeCloseTo(15_000 * 0.002);
  expect(compute).toMatchObject({ total: expect.closeTo(120), seconds: expect.closeTo(120) });
  expect(compute?.alone).toBeCloseTo(15_000 * 0.002);
  expect(write?.seconds).toBeCloseTo(49.998);
  expect(write?.alone).toBeCloseTo(4999 * 0.002);
  expect(between).toBeCloseTo(15_001 * 0.002);
});
