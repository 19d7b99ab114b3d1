((rule (targets) @name (recipe) @body) @definition.function
  (#not-match? @name "^\\.[A-Z_]+")
  (#set! whole-name) (#set! trim-end))
((rule (targets) @name) @definition.function
  (#not-match? @name "^\\.[A-Z_]+")
  (#set! whole-name) (#set! trim-end))
((define_directive name: (_) @name value: (_) @body) @definition.function
  (#set! whole-name) (#set! trim-end))

(comment) @comment
