/** An entry of a menu. */
import { DropdownMenu } from "radix-ui";
import type { ReactNode } from "react";

export const MenuItem = ({ onSelect, children }: { readonly onSelect: () => void; readonly children: ReactNode }) => (
  <DropdownMenu.Item className="menu-item" onSelect={onSelect}>
    {children}
  </DropdownMenu.Item>
);
