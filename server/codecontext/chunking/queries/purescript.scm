((data name: (_) @name) @definition.class
  (#set! trim-end))
(newtype name: (_) @name) @definition.class
(type_alias name: (_) @name) @definition.class
((class_declaration (class_head (class_name) @name) (class_body) @body) @definition.class
  (#set! trim-end))
((class_instance (instance_name) @name (where) @body) @definition.class
  (#set! trim-end))

; A signature and the clauses below it are one definition.
((purescript (signature name: (_) @name) @definition.function)
  (#set! clause))
((function name: (variable) @name rhs: (_) @body) @definition.function
  (#set! clause) (#set! trim-end))
((foreign_import name: (_) @name) @definition.function
  (#set! min-lines 2))

(comment) @comment
