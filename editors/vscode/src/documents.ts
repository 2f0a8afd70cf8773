// The documents that suggestions are for.

/** Files, new ones, and cells of notebooks. */
export const DOCUMENTS = [
  { scheme: "file" },
  { scheme: "untitled" },
  { scheme: "vscode-notebook-cell" },
];
