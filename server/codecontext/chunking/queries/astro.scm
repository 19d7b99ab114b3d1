((frontmatter_js_block) @script
  (#set! script-lang typescript))
