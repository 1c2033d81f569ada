/** Shapes to choose from, each with its picture, between two values. */
import { ChevronDown } from "lucide-react";
import { Popover } from "radix-ui";
import { useState } from "react";
import { Switch } from "../controls/choice.tsx";
import { NumberField } from "../controls/number.tsx";
import { SHAPES } from "./shapes.ts";

interface Props {
  /** Where a shape goes, in words. */
  readonly place: string;
  /** Whether there are other lanes it could go to as well. */
  readonly hasLanes: boolean;
  readonly ends: readonly [number, number];
  readonly step: number;
  onShape(name: string, between: readonly [number, number], everywhere: boolean): void;
}

export function ShapesMenu({ place, hasLanes, ends, step, onShape }: Props) {
  const [low, setLow] = useState<number | null>(null);
  const [high, setHigh] = useState<number | null>(null);
  const [everywhere, setEverywhere] = useState(false);
  const between: [number, number] = [low ?? ends[0], high ?? ends[1]];
  return (
    <Popover.Root>
      <Popover.Trigger className="button">
        Shapes <ChevronDown size={14} aria-hidden />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content className="menu shapes" align="end" sideOffset={4} collisionPadding={12} aria-label="Shapes">
          <p className="quiet">{everywhere && hasLanes ? "In every lane" : `In ${place}`}. Locked layers stay.</p>
          <div className="shapes-between">
            <NumberField label="From" value={between[0]} step={step} onChange={setLow} />
            <NumberField label="to" value={between[1]} step={step} onChange={setHigh} />
            {hasLanes && <Switch label="Every lane" value={everywhere} onChange={setEverywhere} />}
          </div>
          <div className="shapes-grid">
            {Object.entries(SHAPES).map(([name, shape]) => (
              <button
                key={name}
                type="button"
                className="shape"
                onClick={() => onShape(name, between, everywhere && hasLanes)}
              >
                <Picture shape={shape} />
                {name}
              </button>
            ))}
          </div>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

function Picture({ shape }: { readonly shape: (x: number) => number }) {
  const points = Array.from({ length: 25 }, (_, i) => `${2 + i * 1.5},${18 - 15 * shape(i / 24)}`);
  return (
    <svg width={40} height={21} aria-hidden>
      <polyline points={points.join(" ")} />
    </svg>
  );
}
