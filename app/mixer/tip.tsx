/** What the pointer is over: every model's value there, its share of the result, and the rule of the recipe behind it. */
import type { CSSProperties } from "react";
import { tintOf } from "../controls/colours.ts";
import { methodOf } from "../state/edits.ts";
import { useStudio } from "../state/studio.ts";
import type { Board, LaneView } from "./board.ts";
import { ruleInWords, sharesAt } from "./effect.ts";
import type { Geometry } from "./geometry.ts";
import type { Line } from "./lane.tsx";
import type { Dial } from "./lanes.ts";
import type { useStroke } from "./stroke.ts";
import { inWords } from "./trace.tsx";

interface Props {
  readonly board: Board;
  readonly lane: LaneView;
  readonly dial: Dial;
  readonly lines: readonly Line[];
  readonly geometry: Geometry;
  readonly closed: readonly boolean[];
  readonly at: number;
  readonly stroke: ReturnType<typeof useStroke>["stroke"];
}

const WIDTH = 236;

export function Tip({ board, lane, dial, lines, geometry, closed, at, stroke }: Props) {
  const recipe = useStudio((state) => state.recipe);
  const method = methodOf(recipe);
  const column = lane.columns[at];
  const spot = board.spots[column?.tensors[0] ?? -1];
  if (method === undefined || column === undefined || spot === undefined) return null;
  const px = geometry.x(column);
  const left = px > geometry.width - WIDTH - 30 ? px - WIDTH - 18 : px + 18;
  // While a stroke is drawn the recipe still says the old values, so only the new one is said.
  const shares = stroke === null ? sharesAt(recipe, method, spot) : null;
  const rest = shares === null || method.base === "none" ? null : 1 - shares.reduce((sum, share) => sum + share, 0);
  return (
    <div className="tip" aria-hidden style={{ left, width: WIDTH }}>
      <strong>
        {column.name}
        {lane.key === "all" ? "" : ` · ${lane.title}`}
        {closed[at] === true ? " · locked" : ""}
      </strong>
      {lines.map(({ voice, reading }, i) => {
        const isDrawn = stroke?.line.voice.model === voice.model && stroke.curve[at] !== reading.curve[at];
        const said = isDrawn ? { ...reading, curve: stroke.curve } : reading;
        const share = shares?.[i];
        return (
          <div
            key={voice.model ?? ""}
            className="tip-row"
            style={{ "--tint": voice.model === null ? "var(--accent)" : tintOf(voice.role) } as CSSProperties}
          >
            <b>
              {voice.role ?? ""} {inWords(said, at)}
            </b>
            {share !== undefined && <span>{percent(share)} of the mix</span>}
            {stroke === null && <em>{ruleInWords(recipe, method, dial, voice, spot)}</em>}
          </div>
        );
      })}
      {rest !== null && Math.abs(rest) > 1e-9 && (
        <div className="tip-row">
          <b>base</b>
          <span>{percent(rest)}</span>
        </div>
      )}
    </div>
  );
}

const percent = (share: number) => `${Math.round(100 * share)} %`;
