import type { ButtonHTMLAttributes, ReactNode } from "react";

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly look?: "plain" | "ghost" | "primary" | "icon";
  readonly children: ReactNode;
}

export function Button({ look = "plain", className = "", ...rest }: Props) {
  return <button type="button" className={`button button-${look} ${className}`} {...rest} />;
}
