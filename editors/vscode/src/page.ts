// The page of statistics, as a panel of VS Code shows it.

// It has neither scripts nor pictures; the rest is as strict as can be.
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

// The page's own colors are those of the system, a panel's those of the theme.
const THEME = `<style>
:root {
  --paper: var(--vscode-editor-background);
  --ink: var(--vscode-editor-foreground);
  --faint: var(--vscode-descriptionForeground);
  --line: var(--vscode-widget-border, var(--vscode-editorWidget-border));
  --first: var(--vscode-charts-blue);
  --second: color-mix(in srgb, var(--vscode-charts-blue) 45%, var(--paper));
}
body { font-family: var(--vscode-font-family); }
</style>`;

/** The server's page with our policy in front and the theme's colors behind. */
export function themed(page: string): string {
  const policy = `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`;
  return page
    .replace(/<head>/i, (head) => `${head}\n${policy}`)
    .replace(/<\/head>/i, (end) => `${THEME}\n${end}`);
}
