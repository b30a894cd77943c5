//! For the tests beside the widgets: a buffer of a size, and its cells as lines of text.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// An empty buffer.
pub fn buffer(width: u16, height: u16) -> Buffer {
    Buffer::empty(Rect::new(0, 0, width, height))
}

/// The signs of a buffer, one string a row, blanks at the end cut.
pub fn lines(buf: &Buffer) -> Vec<String> {
    let row = |y: u16| {
        let mut line = String::new();
        let mut covered = 0;
        for x in buf.area.left()..buf.area.right() {
            let symbol = buf[(x, y)].symbol();
            if covered > 0 {
                covered -= 1;
                continue;
            }
            covered = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        line.trim_end().to_owned()
    };
    (buf.area.top()..buf.area.bottom()).map(row).collect()
}

/// The same as one string, for looking at and for comparing with a picture.
pub fn picture(buf: &Buffer) -> String {
    lines(buf).join("\n")
}
