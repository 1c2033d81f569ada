/** Resident memory of a merge: the buffers that are planned, and the program around them, which was measured. */
import { availableParallelism } from "node:os";
import type { Plan } from "../core/plan/plan.ts";
import type { Invocation } from "./args.ts";

/** Resident bytes of the program: Node, code, headers and garbage; and of each lane. */
const PROGRAM = 150e6;
const LANE = 12e6;

/** What buffers may take of the memory asked for; the rest is the program, its lanes and garbage. */
export const buffersIn = (memory: number): number => Math.max(32e6, 0.35 * memory);

/** Resident bytes at the worst moment, about. */
export const residentOf = ({ peakBytes }: Pick<Plan, "peakBytes">, lanes: number): number =>
  peakBytes + PROGRAM + LANE * lanes;

/** Lanes that the CPU engine will have. */
export const lanesOf = ({ lanes }: Pick<Invocation, "lanes">): number => lanes ?? availableParallelism();
