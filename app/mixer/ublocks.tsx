/**
 * The blocks of an image model as sliders, as people know them: a UNet in a U (inputs down on the left, outputs up on the right,
 * the middle below), Flux in columns; everything outside the blocks above or below them.
 */
import { type CSSProperties, useState } from "react";
import { shown } from "../controls/number.tsx";
import { Block, type BlockProps } from "./block.tsx";
import { useBlockHeat } from "./block-heat.tsx";
import { arranged } from "./blocks.ts";
import type { Board, LaneView } from "./board.ts";
import { type Curve, levelAt, painted, withValue } from "./curve.ts";
import { ticksOf } from "./geometry.ts";
import { HeatStatus } from "./heat-lane.tsx";
import type { Line } from "./lane.tsx";
import { type Dial, nameOf } from "./lanes.ts";

interface Props {
  readonly board: Board;
  readonly lane: LaneView;
  readonly dial: Dial;
  readonly line: Line;
  readonly others: readonly Line[];
  readonly scale: readonly [number, number];
  readonly brush: number;
  readonly closed: readonly boolean[];
  onDraw(curve: Curve): void;
}

export function UBlocks(props: Props) {
  const { board, lane, dial, line, others, scale, closed, brush, onDraw } = props;
  const heat = useBlockHeat(board, lane);
  const [draft, setDraft] = useState<Curve | null>(null);
  const now = draft ?? line.reading.curve;
  const names = board.blocks ?? [];
  const draw = (at: number, value: number) =>
    painted(now, line.reading, lane, at, value, brush).map((one, i) =>
      closed[i] === true ? (line.reading.curve[i] ?? null) : one,
    );
  const finish = () => {
    if (draft !== null) onDraw(draft);
    setDraft(null);
  };
  const block = (short: string) => {
    const at = lane.columns.findIndex((column) => column.short === short);
    if (at < 0) return null;
    const own: BlockProps = {
      ...{ board, lane, dial, line, others, scale, closed, heat, at },
      value: now[at] ?? levelAt(line.reading, at) ?? 0,
      isMixed: now[at] === null,
      onSlide: (value) => setDraft(draw(at, value)),
      onSlid: finish,
      onType: (value) => onDraw(withValue(line.reading.curve, at, value)),
    };
    return <Block key={short} {...own} />;
  };
  const ends = (isBefore: boolean) =>
    lane.columns.filter(({ id, isEnd }) => isEnd && id < 0 === isBefore).map(({ short }) => short);
  const layout = arranged(names);
  return (
    <fieldset className="ublocks">
      <legend className="hidden">Blocks, {nameOf(line.voice, dial)}</legend>
      <p className="quiet ublocks-ends">
        {ticksOf(dial.param, ...scale)
          .filter(({ words }) => words !== "")
          .sort((a, b) => a.value - b.value)
          .map(({ value, words }) => `${shown(value)} = ${words}`)
          .join(" · ")}
      </p>
      <div className="ublocks-alone">{ends(true).map(block)}</div>
      {layout.kind === "u" ? (
        <>
          {layout.pairs.map(([left, right]) => (
            <div key={left} className="ublocks-pair">
              {block(left)}
              {block(right)}
            </div>
          ))}
          <div className="ublocks-alone">{block(layout.middle)}</div>
        </>
      ) : (
        <div className="ublocks-columns" style={{ "--columns": layout.columns.length } as CSSProperties}>
          {layout.columns.map(({ title, blocks }) => (
            <div key={blocks[0]} className="ublocks-column">
              <h3>{title}</h3>
              {blocks.map(block)}
            </div>
          ))}
        </div>
      )}
      <div className="ublocks-alone">{ends(false).map(block)}</div>
      <HeatStatus />
    </fieldset>
  );
}
