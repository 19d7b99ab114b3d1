((binding attrpath: (_) @name expression: (function_expression) @body) @definition.function
  (#set! whole-name))
; What has some lines of its own: a package, a module's section.
((binding attrpath: (_) @name expression: (_) @body) @definition.function
  (#set! whole-name) (#set! min-lines 5))

(comment) @comment
