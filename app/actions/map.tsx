/** The keyboard map: every row of the table that has keys. */
import { useMemo } from "react";
import { Switch } from "../controls/choice.tsx";
import { Sheet } from "../controls/sheet.tsx";
import { SECTIONS, type Section } from "./action.ts";
import { keyedActions } from "./keyed.ts";
import { KeyNames } from "./keynames.tsx";
import { useKeys } from "./keys.ts";
import { ownKeys } from "./own.ts";

/** Sections whose keys work in one place. */
const PLACES: Partial<Record<Section, string>> = {
  Mixer: "On a curve of the mixer",
  Strips: "On a heat strip or a heat map",
  Layers: "On the layers of the Stack board",
  Slices: "On a slice's grip",
  Tensors: "In the tensor table",
};

export default function KeyboardMap({ onClose }: { onClose(): void }) {
  const rows = useMemo(() => [...keyedActions(), ...ownKeys()].filter(({ keys = [] }) => keys.length > 0), []);
  const { single, setSingle } = useKeys();
  return (
    <Sheet title="Keyboard map" wide onClose={onClose}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reached by keyboard */}
      <section className="keymap" aria-label="Keys" tabIndex={0}>
        {SECTIONS.map((section) => {
          const here = rows.filter((row) => row.section === section);
          if (here.length === 0) return null;
          return (
            <section key={section} aria-label={section}>
              <h3>{PLACES[section] ?? section}</h3>
              <dl>
                {here.map(({ id, title, keys = [] }) => (
                  <div key={id} className="row">
                    <dt>{title}</dt>
                    <dd>
                      {keys.map((one) => (
                        <KeyNames key={one} keys={one} />
                      ))}
                    </dd>
                  </div>
                ))}
              </dl>
            </section>
          );
        })}
      </section>
      <div className="keymap-single">
        <Switch label="Single letters start actions" value={single} onChange={setSingle} />
        <p className="quiet">
          Switch this off when you dictate, or when letters start things by mistake. Everything is in the palette too.
        </p>
      </div>
    </Sheet>
  );
}
