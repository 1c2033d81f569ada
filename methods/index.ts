/** The list of methods, in the order menus show them. Adding one: a file here, and a line below. */
import type { AnyMethod } from "../core/method.ts";
import { arceeFusion } from "./arcee_fusion.ts";
import { breadcrumbs } from "./breadcrumbs.ts";
import { breadcrumbsTies } from "./breadcrumbs_ties.ts";
import { consensusTa } from "./consensus_ta.ts";
import { dareLinear } from "./dare_linear.ts";
import { dareTies } from "./dare_ties.ts";
import { della } from "./della.ts";
import { dellaLinear } from "./della_linear.ts";
import { emr } from "./emr.ts";
import { karcher } from "./karcher.ts";
import { linear } from "./linear.ts";
import { magmax } from "./magmax.ts";
import { median } from "./median.ts";
import { modelStock } from "./model_stock.ts";
import { multislerp } from "./multislerp.ts";
import { nearswap } from "./nearswap.ts";
import { neuromerging } from "./neuromerging.ts";
import { nuslerp } from "./nuslerp.ts";
import { passthrough } from "./passthrough.ts";
import { pcb } from "./pcb.ts";
import { ram } from "./ram.ts";
import { ramplusTl } from "./ramplus_tl.ts";
import { sce } from "./sce.ts";
import { slerp } from "./slerp.ts";
import { taskArithmetic } from "./task_arithmetic.ts";
import { ties } from "./ties.ts";

const list: readonly AnyMethod[] = [
  linear,
  slerp,
  nuslerp,
  multislerp,
  karcher,
  modelStock,
  taskArithmetic,
  ties,
  dareLinear,
  dareTies,
  della,
  dellaLinear,
  breadcrumbs,
  breadcrumbsTies,
  sce,
  consensusTa,
  emr,
  magmax,
  median,
  pcb,
  neuromerging,
  ram,
  ramplusTl,
  arceeFusion,
  nearswap,
  passthrough,
];

export const METHODS: ReadonlyMap<string, AnyMethod> = new Map(list.map((method) => [method.id, method]));
