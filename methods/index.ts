/** The list of methods, in the order menus show them. Adding one: a file here, and a line below. */
import type { AnyMethod } from "../core/method.ts";
import { dareLinear } from "./dare_linear.ts";
import { dareTies } from "./dare_ties.ts";
import { linear } from "./linear.ts";
import { passthrough } from "./passthrough.ts";
import { slerp } from "./slerp.ts";
import { taskArithmetic } from "./task_arithmetic.ts";
import { ties } from "./ties.ts";

const list: readonly AnyMethod[] = [linear, slerp, taskArithmetic, ties, dareLinear, dareTies, passthrough];

export const METHODS: ReadonlyMap<string, AnyMethod> = new Map(list.map((method) => [method.id, method]));
