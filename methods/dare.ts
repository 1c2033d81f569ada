import { chance, type Thinned } from "./sparse.ts";
import { drop } from "./steps.ts";
import { rescaleBy, type Thinning } from "./vectors.ts";

/** What DARE is whichever way it mixes: densities and sums of weights are those that have worked. */
export const dropping = {
  differs:
    "Random numbers depend on the seed, the tensor's name and the model's position alone, so runs repeat everywhere; the masks are not torch's. rescale_by is ours.",
  params: rescaleBy,
  thin: ({ delta, density, stream }: Thinning<typeof rescaleBy>): Thinned => ({
    left: drop(delta, density, stream),
    probability: chance(density),
  }),
  densities: [0.01, 0.7],
  sum: [0.9, 1.1],
  normalize: false,
  rescale: true,
} as const;
