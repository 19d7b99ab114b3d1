import { SETTING_KEYS } from "../settingKeys";

/** Where a value was set, as VS Code tells it. */
export interface Inspected {
  globalValue?: unknown;
  workspaceValue?: unknown;
  workspaceFolderValue?: unknown;
}

/**
 * The settings of one folder as the server takes them: nested, in its spelling, and only those that the user has set.
 *
 * The defaults that VS Code knows are left out on purpose: sent along, they would hide what environment variables, the
 * project's `.codecontext.toml` and the user's own `config.yaml` say. So is `null`, which says nothing either; "no
 * adapter, whatever those say" is an empty path.
 */
export function serverSettings(inspect: (key: string) => Inspected | undefined): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const [key, serverKey] of Object.entries(SETTING_KEYS)) {
    const found = inspect(key);
    const value = found?.workspaceFolderValue ?? found?.workspaceValue ?? found?.globalValue;
    if (value !== undefined && value !== null) {
      place(settings, serverKey.split("."), value);
    }
  }
  return settings;
}

function place(tree: Record<string, unknown>, [first = "", ...rest]: string[], value: unknown): void {
  if (rest.length === 0) {
    tree[first] = value;
    return;
  }
  tree[first] ??= {};
  place(tree[first] as Record<string, unknown>, rest, value);
}
