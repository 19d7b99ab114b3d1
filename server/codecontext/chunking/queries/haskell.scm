(data_type name: (_) @name) @definition.class
(newtype name: (_) @name) @definition.class
(type_synomym name: (_) @name) @definition.class
(type_family name: (_) @name) @definition.class
(class name: (_) @name "where" @body) @definition.class
(class name: (_) @name) @definition.class
(instance name: (_) @name patterns: (type_patterns . [
  (name) @name
  (parens type: (apply constructor: (name) @name))
])? "where" @body) @definition.class

; A signature and the clauses below it are one definition.
((declarations (signature name: [(variable) @name (prefix_id (operator) @name)]) @definition.function)
  (#set! whole-name) (#set! clause))
((class_declarations (signature name: [(variable) @name (prefix_id (operator) @name)]) @definition.method)
  (#set! whole-name) (#set! clause) (#set! min-lines 2))
((function name: (variable) @name match: (_) @body) @definition.function
  (#set! whole-name) (#set! clause))
((function name: (prefix_id (operator) @name) match: (_) @body) @definition.function
  (#set! whole-name) (#set! clause))
((function (infix operator: (_) @name) match: (_) @body) @definition.function
  (#set! whole-name) (#set! clause))
((declarations (bind name: (variable) @name match: (_) @body) @definition.function)
  (#set! whole-name) (#set! clause))
((instance_declarations (bind name: (variable) @name match: (_) @body) @definition.function)
  (#set! whole-name) (#set! clause))

[(comment) (haddock)] @comment
(pragma) @attached
