/** The keyboard map: every row of the table that has keys. */
import { useMemo } from "react";
import { Switch } from "../controls/choice.tsx";
import { Sheet } from "../controls/sheet.tsx";
import { SECTIONS } from "./action.ts";
import { KeyNames } from "./keynames.tsx";
import { useKeys } from "./keys.ts";
import { keyedActions } from "./table.ts";

export default function KeyboardMap({ onClose }: { onClose(): void }) {
  const rows = useMemo(() => keyedActions().filter(({ keys = [] }) => keys.length > 0), []);
  const { single, setSingle } = useKeys();
  return (
    <Sheet title="Keyboard map" wide onClose={onClose}>
      <div className="keymap">
        {SECTIONS.map((section) => {
          const here = rows.filter((row) => row.section === section);
          if (here.length === 0) return null;
          return (
            <section key={section} aria-label={section}>
              <h3>{section === "Mixer" ? "On a curve of the mixer" : section}</h3>
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
      </div>
      <div className="keymap-single">
        <Switch label="Single letters start actions" value={single} onChange={setSingle} />
        <p className="quiet">
          Switch this off when you dictate, or when letters start things by mistake. Everything is in the palette too.
        </p>
      </div>
    </Sheet>
  );
}
