(namespace (word_list . (simple_word) @_eval . (simple_word) @name (braced_word) @body)
  (#eq? @_eval "eval")) @definition.namespace
(procedure name: (_) @name body: (_) @body) @definition.function
(command name: (simple_word) @_class arguments: (word_list . (simple_word) @_create . (simple_word) @name (braced_word) @body)
  (#match? @_class "^(oo::)?class$")
  (#eq? @_create "create")) @definition.class
(command name: (simple_word) @_method arguments: (word_list . (simple_word) @name (braced_word) . (braced_word) @body .)
  (#eq? @_method "method")) @definition.method

(comment) @comment
