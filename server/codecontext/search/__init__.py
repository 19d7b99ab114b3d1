"""Query syntax, candidate retrieval, fusion, ranking rules, snippets and evidence."""
