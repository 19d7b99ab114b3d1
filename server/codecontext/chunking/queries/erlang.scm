(record_decl name: (_) @name) @definition.class
((type_alias name: (type_name name: (_) @name)) @definition.class
  (#set! min-lines 2))
((opaque name: (type_name name: (_) @name)) @definition.class
  (#set! min-lines 2))
((fun_decl clause: (function_clause name: (_) @name body: (_) @body)) @definition.function
  (#set! clause))
((pp_define lhs: (macro_lhs name: (_) @name) @body) @definition.function
  (#set! min-lines 2))

(comment) @comment
(spec) @attached
