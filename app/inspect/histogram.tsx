/** How a tensor's values are spread: 64 bins over its range, counts on a logarithmic scale, because weights pile up. */
import { useState } from "react";
import type { Figures } from "../../workers/api.ts";
import { figure } from "./metrics.ts";

interface Props {
  readonly title: string;
  readonly of: NonNullable<Figures["histogram"]>;
}

const WIDTH = 320;
const HEIGHT = 96;

export function Histogram({ title, of: { least, greatest, counts } }: Props) {
  const [at, setAt] = useState<number | null>(null);
  const most = Math.max(1, ...counts);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const step = WIDTH / counts.length;
  const tall = (count: number) => (count <= 0 ? 0 : Math.max(1, (HEIGHT * Math.log1p(count)) / Math.log1p(most)));
  const edge = (bin: number) => least + (bin * (greatest - least)) / counts.length;
  const zero = least < 0 && greatest > 0 ? (-least / (greatest - least)) * WIDTH : null;
  const share = at === null ? 0 : (counts[at] ?? 0) / total;
  return (
    <figure className="histogram">
      <figcaption>
        {title}
        <span>
          {at === null
            ? "logarithmic counts"
            : `${figure(edge(at))} to ${figure(edge(at + 1))}: ${(100 * share).toFixed(share >= 0.001 ? 2 : 4)} %`}
        </span>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title}: from ${figure(least)} to ${figure(greatest)}, most of them near ${figure(edge(counts.indexOf(most) + 0.5))}`}
        onPointerMove={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          setAt(
            Math.max(
              0,
              Math.min(counts.length - 1, Math.floor(((event.clientX - box.left) / box.width) * counts.length)),
            ),
          );
        }}
        onPointerLeave={() => setAt(null)}
      >
        {zero !== null && <line className="histogram-zero" x1={zero} x2={zero} y1={0} y2={HEIGHT} />}
        {counts.map((count, bin) => (
          <rect
            // biome-ignore lint/suspicious/noArrayIndexKey: a bin is its place
            key={bin}
            className={bin === at ? "bin bin-at" : "bin"}
            x={bin * step + 0.4}
            width={step - 0.8}
            y={HEIGHT - tall(count)}
            height={tall(count)}
          />
        ))}
      </svg>
      <div className="histogram-ends">
        <span>{figure(least)}</span>
        <span>{figure(greatest)}</span>
      </div>
    </figure>
  );
}
