//! `help`: a command's options, or a page about a topic.

mod page;
mod pager;
mod roff;
mod text;
mod topics;

use clap::Args;
use eol_inject::unit::AuthToken;

pub(crate) use self::roff::code;
pub(crate) use self::topics::TOPICS;
use self::topics::Topic;
use super::error::CliError;
use super::parser;

#[derive(Args)]
pub(crate) struct HelpArgs {
    /// A topic, or a command
    #[arg(value_name = "TOPIC|COMMAND")]
    words: Vec<String>,
}

/// Returns a manual page about a topic: its name, section and text.
pub(crate) fn manual() -> impl Iterator<Item = (String, String)> {
    let recipe = TOPICS.iter().filter(|topic| topic.name == "recipe");
    recipe.map(|topic| {
        let title = format!("eol-inject-{}", topic.name);
        let blocks = page::read(topic.page, topic.part);
        let text = roff::page(&title, "5", topic.about, &blocks);
        (format!("{title}.5"), text)
    })
}

/// Lists the topics, a line for each.
pub(crate) fn list() -> String {
    let lines = TOPICS
        .iter()
        .map(|topic| format!("  {:<13} {}\n", topic.name, topic.about));
    lines.collect()
}

pub(crate) fn run(args: &HelpArgs, command: clap::Command) -> Result<u8, CliError> {
    let words: Vec<&str> = args.words.iter().map(String::as_str).collect();
    if let [word] = words.as_slice()
        && let Some(topic) = TOPICS.iter().find(|topic| topic.name == *word)
    {
        pager::show(&whole(topic, &command));
        return Ok(0);
    }
    match words.first() {
        Some(word) if command.find_subcommand(word).is_none() => Err(unknown(&words)),
        _ => {
            let line = ["eol-inject"].iter().chain(&words).chain(&["--help"]);
            let told = command.try_get_matches_from(line);
            Ok(told.map_or_else(|error| parser::tell(&error), |_| 0))
        }
    }
}

/// Returns a topic's page as text.
fn whole(topic: &Topic, command: &clap::Command) -> String {
    let mut text = String::new();
    if command.find_subcommand(topic.name).is_some() {
        let name = topic.name;
        text.push_str(&format!(
            "(the command's options: eol-inject {name} --help)\n\n"
        ));
    }
    text.push_str(&text::text(&page::read(topic.page, topic.part)));
    text
}

fn unknown(words: &[&str]) -> CliError {
    let words = words.join(" ");
    let what = if AuthToken::stands_in(&words) {
        "what looks like a token is no topic and no command; it is not repeated here".to_owned()
    } else {
        format!("`{words}` is no topic and no command")
    };
    let hint = format!("the topics:\n{}", list());
    CliError::usage(what).with_hint(Some(hint.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::wrap::{COLUMNS, width};

    fn page(topic: &Topic) -> String {
        whole(topic, &crate::cli::command())
    }

    #[test]
    fn every_page_of_the_folder_is_a_topic_by_its_name() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/docs");
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "md") {
                let name = path.file_stem().unwrap().to_str().unwrap();
                let text = std::fs::read_to_string(&path).unwrap();
                let topic = TOPICS.iter().find(|topic| topic.name == name);
                let topic = topic.unwrap_or_else(|| panic!("docs/{name}.md is no topic"));
                assert!(topic.page == text && topic.part.is_none(), "{name}");
            }
        }
    }

    #[test]
    fn every_topic_has_something_to_say() {
        for topic in TOPICS {
            assert!(page(topic).lines().count() > 5, "{}", topic.name);
        }
    }

    #[test]
    fn a_page_with_a_commands_name_says_where_the_commands_options_are() {
        let text = page(TOPICS.iter().find(|topic| topic.name == "ledger").unwrap());
        assert!(text.starts_with("(the command's options: eol-inject ledger --help)\n"));
    }

    #[test]
    fn pages_keep_to_a_terminal_where_their_source_allows() {
        for topic in TOPICS {
            for line in page(topic).lines() {
                // Listings stay as they are, and words are not broken.
                let is_listing = line.starts_with("        ");
                let is_word = !line.trim().contains(' ');
                assert!(
                    width(line) <= COLUMNS || is_listing || is_word,
                    "{}: {line}",
                    topic.name
                );
            }
        }
    }

    #[test]
    fn no_word_of_a_page_is_lost() {
        let text = page(TOPICS.iter().find(|topic| topic.name == "recipe").unwrap());
        for key in [
            "allow-protected",
            "mes-down",
            "nordic-settings",
            "{length}",
            "srec_cat",
        ] {
            assert!(text.contains(key), "{key}");
        }
    }
}
